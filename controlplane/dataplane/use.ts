// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import type { LoadedObject } from "../loader/messages.ts";
import { OBJECT_NAME } from "./kernel.ts";
import type { Layout } from "./layout.ts";
import { ENTRIES_OF_FLOW } from "./limits.ts";
import { liveShare } from "./live_flows.ts";
import { type Room, roomsOf } from "./room.ts";

/** The map of which the elements are counted, and how many there are of what the limit is about. */
const COUNTED = {
  flows4: { map: "flows4", each: ENTRIES_OF_FLOW },
  flows6: { map: "flows6", each: ENTRIES_OF_FLOW },
  clients: { map: "affinities", each: 1 },
} as const;

/** How much of a limit is in use. */
export interface Use extends Room {
  readonly used: number;
  /** True for a large table, of which only a part was counted. */
  readonly estimated: boolean;
  /** Of flows: how many of them have not ended; the others stay until the room is needed. */
  readonly live?: number;
}

/** What is in use by count, and needs not be asked of the kernel. */
export interface Known {
  readonly services: number;
  readonly backends: number;
}

/**
 * How much of what the maps of an object have room for is in use. Flows and clients count as long as they have
 * entries: ended and forgotten ones too, until the kernel needs the room.
 */
export async function readUses(
  client: LoaderClient,
  layout: Layout,
  object: Pick<LoadedObject, "maps">,
  known: Known,
  signal?: AbortSignal,
): Promise<{ readonly uses: readonly Use[]; readonly memory: number }> {
  const { rooms, memory } = roomsOf(object);
  const uses: Use[] = [];
  for (const room of rooms) {
    const { of } = room;
    if (of === "services" || of === "backends") uses.push({ ...room, used: known[of], estimated: false });
    else uses.push(await countUse(client, layout, room, of, signal));
  }
  return { uses, memory };
}

/** The same of flows alone. */
export async function readFlowUses(
  client: LoaderClient,
  layout: Layout,
  object: Pick<LoadedObject, "maps">,
  signal?: AbortSignal,
): Promise<readonly Use[]> {
  const uses: Use[] = [];
  for (const room of roomsOf(object).rooms) {
    const { of } = room;
    if (of === "flows4" || of === "flows6") uses.push(await countUse(client, layout, room, of, signal));
  }
  return uses;
}

async function countUse(
  client: LoaderClient,
  layout: Layout,
  room: Room,
  of: keyof typeof COUNTED,
  signal: AbortSignal | undefined,
): Promise<Use> {
  const { map, each } = COUNTED[of];
  const { elements, estimated } = await client.count({ name: OBJECT_NAME, map }, { signal });
  const use = { ...room, used: Math.ceil(elements / each), estimated };
  if (of === "clients") return use;
  return {
    ...use,
    live: elements === 0 ? 0 : Math.round(use.used * await liveShare(client, layout, of, signal)),
  };
}
