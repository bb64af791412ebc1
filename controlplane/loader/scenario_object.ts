// SPDX-License-Identifier: Apache-2.0

// The object of the scenario suite: a map of each type that matters, and programs that let everything pass.

import { MAP_TYPE } from "../dataplane/object.ts";
import { buildObject, type MapSpec, type ProgramSpec } from "./object_builder.ts";

/** Two numbers in 12 bytes, so that padding to 8 bytes can be seen. */
const PAIR = { struct: "Pair", fields: { a: "u32", b: "u32", c: "u32" } } as const;

const MAPS: readonly MapSpec[] = [
  { name: "hash", type: MAP_TYPE.HASH, key: "u32", value: "u64", maxEntries: 4 },
  { name: "array", type: MAP_TYPE.ARRAY, key: "u32", value: "u64", maxEntries: 8 },
  { name: "recent", type: MAP_TYPE.LRU_HASH, key: "u32", value: "u64", maxEntries: 64 },
  { name: "counters", type: MAP_TYPE.PERCPU_ARRAY, key: "u32", value: PAIR, maxEntries: 2 },
  { name: "tables", type: MAP_TYPE.ARRAY_OF_MAPS, key: "u32", value: "u32", maxEntries: 8 },
];

/** return 2, which is XDP_PASS. */
const XDP_PASS = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
/** Returns without a value: the verifier refuses. */
const NO_VALUE = Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0);

const PROGRAMS: readonly ProgramSpec[] = [
  { name: "ingress", section: "classifier" },
  { name: "early", section: "xdp", code: XDP_PASS },
];

/** The usual object. */
export function scenarioObject(): Uint8Array {
  return buildObject(MAPS, PROGRAMS);
}

/** The next version of it: one map and one program fewer. */
export function smallerObject(): Uint8Array {
  return buildObject(MAPS.filter((map) => map.name !== "recent"), PROGRAMS.slice(0, 1));
}

/** The next version with other keys, values and sizes: what the usual one declares does not fit. */
export function changedObject(): Uint8Array {
  const changed: Record<string, Partial<MapSpec>> = {
    hash: { value: { struct: "Grown", fields: { low: "u32", more: "u32", high: "u32" } }, maxEntries: 2 },
    array: { maxEntries: 4 },
    recent: { key: "u64" },
    counters: { value: { struct: "Pair", fields: { c: "u32", a: "u32" } } },
    tables: { value: "u64" },
  };
  return buildObject(MAPS.map((map) => ({ ...map, ...changed[map.name] })), PROGRAMS);
}

/** One whose program the kernel's verifier refuses. */
export function refusedObject(): Uint8Array {
  return buildObject(MAPS, [{ name: "ingress", section: "classifier", code: NO_VALUE }]);
}
