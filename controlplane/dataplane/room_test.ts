// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { MapInfo } from "../loader/messages.ts";
import { maxEntries } from "./limits.ts";
import { formatRooms, roomsOf } from "./room.ts";

const SIZES = { ...maxEntries({ flows: 1_000_000, services: 10, backends: 20, clients: 30 }), devices: 8 };

/** Maps that cost a byte for each element, and the flow tables a hundred. One flow in eight may be pending. */
const maps: MapInfo[] = Object.entries(SIZES).map(([name, entries]) => ({
  name,
  type: 1,
  keySize: 4,
  valueSize: 4,
  maxEntries: entries,
  adopted: false,
  memory: entries * (name.startsWith("flows") ? 100 : 1),
}));

Deno.test("roomsOf() adds up what the maps of each limit cost, and all there are", () => {
  const { rooms, memory } = roomsOf({ maps });
  assertEquals(rooms, [
    { of: "flows4", name: "flows over IPv4", most: 1_000_000, memory: 200_250_000 },
    { of: "flows6", name: "flows over IPv6", most: 1_000_000, memory: 200_250_000 },
    { of: "services", name: "services", most: 10, memory: 10 + 10 + 11 + 21 },
    { of: "backends", name: "backends", most: 20, memory: 21 + 21 },
    { of: "clients", name: "clients with affinity", most: 30, memory: 30 },
  ]);
  assertEquals(memory, 400_500_000 + 52 + 42 + 30 + 8);
});

Deno.test("formatRooms() is one line", () => {
  assertEquals(
    formatRooms(roomsOf({ maps })),
    "Room for 1,000,000 flows over IPv4 (200.3 MB), 1,000,000 flows over IPv6 (200.3 MB), 10 services (52 B), " +
      "20 backends (42 B), 30 clients with affinity (30 B): 400.5 MB of kernel memory with the other maps",
  );
});
