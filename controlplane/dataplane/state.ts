// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import { decodeU32, type StructCodec, type StructValue } from "./codec.ts";
import { dumpMap, type KernelState, OBJECT_NAME, readKernel } from "./kernel.ts";
import { type InterfaceState, readInterfaces } from "./interface_state.ts";
import type { Layout, MapName, STRUCTS } from "./layout.ts";
import { readUses, type Use } from "./use.ts";
import { type BackendValue, PROTOCOL_NUMBER } from "./operation.ts";

/** Traffic counted since the service or backend was made, summed over the CPUs. */
export interface Traffic {
  /** From clients. */
  readonly rxPackets: bigint;
  readonly rxBytes: bigint;
  /** To clients. */
  readonly txPackets: bigint;
  readonly txBytes: bigint;
  /** Flows begun. */
  readonly flows: bigint;
  /** Flows refused. */
  readonly refused: bigint;
}

/** A backend as the kernel has it. */
export interface BackendState {
  readonly address: string;
  readonly port: number;
  /** Part of the slots of its service's table, 0 to 1. */
  readonly share: number;
  /** Interface on the way to it; 0 when the FIB is left to know. */
  readonly ifindex: number;
  readonly traffic: Traffic;
}

/** A service as the kernel has it. */
export interface ServiceState {
  readonly address: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  /** Slots of its table; 0 when every flow is refused. */
  readonly slots: number;
  /** Part of the slots that refuse, 0 to 1. */
  readonly refusedShare: number;
  readonly traffic: Traffic;
  /** Those with the larger share first. */
  readonly backends: readonly BackendState[];
}

/** The whole dataplane as the kernel has it. */
export interface State {
  /** By address, port and protocol. */
  readonly services: readonly ServiceState[];
  /** Packets by reason, in the order of the object. */
  readonly drops: Readonly<Record<string, bigint>>;
  /** By index. */
  readonly interfaces: readonly InterfaceState[];
  /** What there is room for, and how much of it is used. */
  readonly uses: readonly Use[];
  /** Bytes of kernel memory of all maps; without the table of each service that has backends. */
  readonly memory: number;
}

/** Reads services, backends, counters and drops through the loader. Throws a LoaderError when nothing is loaded. */
export async function readState(client: LoaderClient, layout: Layout, signal?: AbortSignal): Promise<State> {
  const kernel = await readKernel(client, layout, signal);
  const { objects } = await client.probe({ signal });
  const object = objects.find(({ name }) => name === OBJECT_NAME) ??
    { maps: [], attachments: [], refused: [] };
  const stats = (map: MapName, ids: Set<number>): Promise<Map<number, Traffic>> =>
    readStats(client, layout, map, ids, signal);
  const services = await stats(
    "service_stats",
    new Set([...kernel.services.values()].map(({ value }) => value.id)),
  );
  const backends = await stats("backend_stats", new Set(kernel.backends.keys()));
  return {
    services: serviceStates(kernel, services, backends),
    drops: await readDrops(client, layout, signal),
    interfaces: await readInterfaces(client, object, kernel.devices, signal),
    ...await readUses(
      client,
      layout,
      object,
      { services: kernel.services.size, backends: kernel.backends.size },
      signal,
    ),
  };
}

/** Of what has not been used. */
export const NO_TRAFFIC: Traffic = {
  rxPackets: 0n,
  rxBytes: 0n,
  txPackets: 0n,
  txBytes: 0n,
  flows: 0n,
  refused: 0n,
};

/** Makes a state of what was read. */
export function serviceStates(
  kernel: KernelState,
  services: ReadonlyMap<number, Traffic>,
  backends: ReadonlyMap<number, Traffic>,
): ServiceState[] {
  const byService = Map.groupBy(kernel.backends, ([, backend]) => backend.service);
  const states = [...kernel.services.values()].map(({ key, value }): ServiceState => {
    const slots = countSlots(kernel.tables.get(value.table), value.slots);
    const share = (id: number): number => value.slots === 0 ? 0 : (slots.get(id) ?? 0) / value.slots;
    const own = (byService.get(value.id) ?? []).map(([id, backend]) =>
      backendState(backend, share(id), backends.get(id) ?? NO_TRAFFIC)
    );
    return {
      address: key.address,
      port: key.port,
      protocol: key.protocol === PROTOCOL_NUMBER.UDP ? "UDP" : "TCP",
      slots: value.slots,
      refusedShare: value.slots === 0 ? 1 : share(0),
      traffic: services.get(value.id) ?? NO_TRAFFIC,
      backends: own.sort((a, b) => b.share - a.share || compareEndpoints(a, b)),
    };
  });
  return states.sort((a, b) => compareEndpoints(a, b) || (a.protocol < b.protocol ? -1 : 1));
}

function backendState(backend: BackendValue, share: number, traffic: Traffic): BackendState {
  const { address, port, ifindex } = backend;
  return { address, port, share, ifindex, traffic };
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** IPv4 before IPv6, numbers by their value. */
function compareEndpoints(a: Endpoint, b: Endpoint): number {
  const family = Number(a.address.includes(":")) - Number(b.address.includes(":"));
  return family || a.address.localeCompare(b.address, "en", { numeric: true }) || a.port - b.port;
}

function countSlots(table: Uint32Array | undefined, slots: number): Map<number, number> {
  const counts = new Map<number, number>();
  if (slots > 0) { for (const id of table ?? []) counts.set(id, (counts.get(id) ?? 0) + 1); }
  return counts;
}

/** The counters of these ids in `service_stats` or `backend_stats`, summed over the CPUs. */
export async function readStats(
  client: LoaderClient,
  layout: Layout,
  map: MapName,
  ids: ReadonlySet<number>,
  signal?: AbortSignal,
): Promise<Map<number, Traffic>> {
  const result = new Map<number, Traffic>();
  if (ids.size === 0) return result;
  for await (const { key, value } of dumpMap(client, map, signal)) {
    const id = decodeU32(key);
    if (ids.has(id)) result.set(id, sumStats(layout, value));
    // Ids in use are low and the maps are large.
    if (result.size === ids.size) break;
  }
  return result;
}

function sumStats(layout: Layout, value: Uint8Array): Traffic {
  const sum = sumCpus<typeof STRUCTS.Stats>(layout.Stats, value);
  return {
    rxPackets: sum.rx_packets,
    rxBytes: sum.rx_bytes,
    txPackets: sum.tx_packets,
    txBytes: sum.tx_bytes,
    flows: sum.flows,
    refused: sum.refused,
  };
}

/** Dropped packets by reason. */
export async function readDrops(
  client: LoaderClient,
  layout: Layout,
  signal?: AbortSignal,
): Promise<Record<string, bigint>> {
  for await (const { value } of dumpMap(client, "drops", signal)) return sumCpus(layout.Drops, value);
  return {};
}

/** Adds up what each CPU has counted; bpf(2) pads each one's value to 8 bytes. */
export function sumCpus<Fields extends Readonly<Record<string, "u64">>>(
  codec: StructCodec<Fields>,
  value: Uint8Array,
): StructValue<Fields> {
  const stride = Math.ceil(codec.size / 8) * 8;
  const sum: Record<string, bigint> = {};
  for (let at = 0; at + codec.size <= value.length; at += stride) {
    const part: Readonly<Record<string, bigint>> = codec.decode(value.subarray(at, at + codec.size));
    for (const [name, count] of Object.entries(part)) sum[name] = (sum[name] ?? 0n) + count;
  }
  return sum as StructValue<Fields>;
}
