// SPDX-License-Identifier: Apache-2.0

// How many of a flow table's entries are of flows that go on. The others are of flows that have ended, and stay until
// the kernel needs the room: a table that is full says nothing, one full of flows that go on does.

import type { LoaderClient } from "../loader/client.ts";
import type { Element } from "../loader/messages.ts";
import { dumpMap } from "./kernel.ts";
import { type FlowPlaces, type Layout, STATE_CLOSED, STATE_ESTABLISHED } from "./layout.ts";

/** Flow tables by IP version. */
export type FlowMap = "flows4" | "flows6";

/** Entries that are looked at. Keys are spread over a hash at random: the first ones are like the others. */
const SAMPLE = 4_096;

/** IPPROTO_TCP. */
const TCP = 6;

/** Idle times of ebpf/src/tracking.rs, by the names there, in its units of 2^30 ns. */
export const IDLE = { UDP_IDLE: 112, TCP_ESTABLISHED_IDLE: 6_938, TCP_TRANSITORY_IDLE: 232 } as const;

/** A share, 0 to 1, of the entries of a flow table: those of flows that have not ended; 0 for an empty table. */
export async function liveShare(
  client: LoaderClient,
  layout: Layout,
  map: FlowMap,
  signal?: AbortSignal,
): Promise<number> {
  const sample: Element[] = [];
  for await (const element of dumpMap(client, map, signal)) {
    if (sample.push(element) >= SAMPLE) break;
  }
  const flows = sample.map((element) => decode(element, layout.flows[map]));
  // Time as the kernel counts it: where new flows come, one of so many entries was used just now.
  const now = Math.max(0, ...flows.map(({ used }) => used));
  return flows.length === 0 ? 0 : flows.filter((flow) => !isOver(flow, now)).length / flows.length;
}

interface SampledFlow {
  readonly protocol: number;
  readonly state: number;
  readonly used: number;
}

function decode({ key, value }: Element, places: FlowPlaces): SampledFlow {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return {
    protocol: new DataView(key.buffer, key.byteOffset, key.byteLength).getUint8(places.protocol),
    state: view.getUint8(places.state),
    used: view.getUint32(places.used, true),
  };
}

/** As is_over() of tracking.rs. */
function isOver({ protocol, state, used }: SampledFlow, now: number): boolean {
  if (protocol !== TCP) return now - used > IDLE.UDP_IDLE;
  return state === STATE_CLOSED ||
    now - used > (state === STATE_ESTABLISHED ? IDLE.TCP_ESTABLISHED_IDLE : IDLE.TCP_TRANSITORY_IDLE);
}
