// SPDX-License-Identifier: Apache-2.0

// A stand-in for the kernel object in tests: Blixt's maps in small, programs that do nothing. layout_test.ts
// holds it against the real object when that is built.

import { buildObject, type MapSpec, type TypeSpec } from "../loader/object_builder.ts";
import { MAP_TYPE } from "./object.ts";

const ADDRESS = { element: "u32", length: 4 } as const;

/** Structs of ebpf/src/layout.rs. */
export const BLIXT_STRUCTS = {
  ServiceKey: { address: ADDRESS, port: "u16", protocol: "u8", pad: "u8" },
  Service: { id: "u32", table: "u32", slots: "u32", affinity: "u32" },
  Backend: {
    address: ADDRESS,
    gateway: ADDRESS,
    source: ADDRESS,
    ifindex: "u32",
    epoch: "u32",
    service: "u32",
    port: "u16",
    flags: "u16",
  },
  AddressInfo: { flags: "u32" },
  Node: { flags: "u32", mtu: "u32", seen: "u32" },
  Device: {
    flags: "u32",
    mac: { element: "u8", length: 6 },
    pad: { element: "u8", length: 2 },
    master: "u32",
  },
  Stats: {
    rx_packets: "u64",
    rx_bytes: "u64",
    tx_packets: "u64",
    tx_bytes: "u64",
    flows: "u64",
    refused: "u64",
  },
  Drops: { malformed: "u64", refused_tcp: "u64" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, TypeSpec>>>>;

/** How a test wants the object to differ from the usual. */
export interface BlixtObjectOptions {
  /** Fields by struct, instead of the usual ones. */
  readonly structs?: Readonly<Record<string, Readonly<Record<string, TypeSpec>>>>;
  /** max_entries by map, instead of the usual ones. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Maps by name, changed; undefined leaves the map out. */
  readonly change?: (map: MapSpec) => MapSpec | undefined;
  /** Names of the programs; default "ingress", "egress" and "emit". */
  readonly programs?: readonly string[];
}

/** Services and backends of the usual object. */
export const BLIXT_SIZES = { services: 64, backends: 257 } as const;

/** An object with Blixt's maps. */
export function blixtObject(options: BlixtObjectOptions = {}): Uint8Array {
  const struct = (name: keyof typeof BLIXT_STRUCTS): TypeSpec => ({
    struct: name,
    fields: options.structs?.[name] ?? BLIXT_STRUCTS[name],
  });
  const { services, backends } = BLIXT_SIZES;
  const map = (name: string, type: number, key: TypeSpec, value: TypeSpec, maxEntries: number): MapSpec => (
    { name, type, key, value, maxEntries: options.sizes?.[name] ?? maxEntries }
  );
  const flowKey: TypeSpec = {
    struct: "FlowKey",
    fields: { saddr: "u32", daddr: "u32", ports: "u32", protocol: "u32" },
  };
  const flow: TypeSpec = {
    struct: "Flow",
    fields: { used: "u32", state: "u8", direction: "u8", port: "u16" },
  };
  const maps = [
    map("services", MAP_TYPE.HASH, struct("ServiceKey"), struct("Service"), services),
    map("tables", MAP_TYPE.ARRAY_OF_MAPS, "u32", { element: "u32", length: 16 }, 2 * services),
    map("backends", MAP_TYPE.ARRAY, "u32", struct("Backend"), backends),
    map("addresses", MAP_TYPE.HASH, ADDRESS, struct("AddressInfo"), services),
    map("nodes", MAP_TYPE.HASH, ADDRESS, struct("Node"), 64),
    map("devices", MAP_TYPE.HASH, "u32", struct("Device"), 64),
    map("flows4", MAP_TYPE.LRU_HASH, flowKey, flow, 1_024),
    map("flows6", MAP_TYPE.LRU_HASH, flowKey, flow, 1_024),
    map("pending4", MAP_TYPE.LRU_HASH, flowKey, "u64", 128),
    map("pending6", MAP_TYPE.LRU_HASH, flowKey, "u64", 128),
    map("affinities", MAP_TYPE.LRU_HASH, flowKey, "u64", 128),
    map("service_stats", MAP_TYPE.PERCPU_ARRAY, "u32", struct("Stats"), services + 1),
    map("backend_stats", MAP_TYPE.PERCPU_ARRAY, "u32", struct("Stats"), backends),
    map("drops", MAP_TYPE.PERCPU_ARRAY, "u32", struct("Drops"), 1),
  ];
  const changed = maps.map(options.change ?? ((spec) => spec)).filter((spec) => spec !== undefined);
  const programs = options.programs ?? ["ingress", "egress", "emit"];
  return buildObject(changed, programs.map((name) => ({ name, section: "classifier" })));
}
