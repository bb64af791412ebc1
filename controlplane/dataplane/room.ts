// SPDX-License-Identifier: Apache-2.0

import type { LoadedObject } from "../loader/messages.ts";
import { formatBytes, formatNumber } from "./format.ts";
import { capacityOf, ENTRIES_OF_FLOW, entriesOf } from "./limits.ts";

/** Maps that grow with each limit. */
const MAPS = {
  flows4: ["flows4", "pending4"],
  flows6: ["flows6", "pending6"],
  services: ["services", "addresses", "service_stats", "tables"],
  backends: ["backends", "backend_stats"],
  clients: ["affinities"],
} as const;

/** One of the limits, as the kernel has it. */
export interface Room {
  readonly of: keyof typeof MAPS;
  /** For people: "flows over IPv4". */
  readonly name: string;
  /** How many there is room for. */
  readonly most: number;
  /** Bytes of kernel memory that this takes, used or not. */
  readonly memory: number;
}

/** What the maps of an object have room for, and what they cost. */
export interface Rooms {
  readonly rooms: readonly Room[];
  /** Bytes of kernel memory of all maps; without the table of each service that has backends. */
  readonly memory: number;
}

/** Reads sizes and costs from what the loader says of the maps that it has loaded. */
export function roomsOf(object: Pick<LoadedObject, "maps">): Rooms {
  const { maps } = object;
  const memory = (names: readonly string[]): number =>
    maps.filter(({ name }) => names.includes(name)).reduce((sum, map) => sum + map.memory, 0);
  const entries = (name: string): number => entriesOf(object, name) ?? 0;
  const flows = (name: string): number => Math.floor(entries(name) / ENTRIES_OF_FLOW);
  const { services, backends } = capacityOf(object);
  const room = (of: Room["of"], name: string, most: number): Room => (
    { of, name, most, memory: memory(MAPS[of]) }
  );
  return {
    rooms: [
      room("flows4", "flows over IPv4", flows("flows4")),
      room("flows6", "flows over IPv6", flows("flows6")),
      room("services", "services", services),
      room("backends", "backends", backends),
      room("clients", "clients with affinity", entries("affinities")),
    ],
    memory: memory(maps.map(({ name }) => name)),
  };
}

/** "Room for 1,000,000 flows over IPv4 (290.4 MB), …: 660.1 MB of kernel memory with the other maps". */
export function formatRooms({ rooms, memory }: Rooms): string {
  const parts = rooms.map(({ name, most, memory }) => `${formatNumber(most)} ${name} (${bytes(memory)})`);
  return `Room for ${parts.join(", ")}: ${bytes(memory)} of kernel memory with the other maps`;
}

function bytes(number: number): string {
  return formatBytes(BigInt(number));
}
