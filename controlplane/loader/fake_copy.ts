// SPDX-License-Identifier: Apache-2.0

import { MAP_TYPE } from "../dataplane/object.ts";
import { CODE, LoaderError } from "./error.ts";
import type { FakeMap } from "./fake_map.ts";
import type { CopyRequest, CopyResponse, Operation, Piece } from "./messages.ts";

const ARRAYS: readonly number[] = [MAP_TYPE.ARRAY, MAP_TYPE.PERCPU_ARRAY, MAP_TYPE.ARRAY_OF_MAPS];
const PER_CPU: readonly number[] = [MAP_TYPE.PERCPU_HASH, MAP_TYPE.PERCPU_ARRAY, MAP_TYPE.LRU_PERCPU_HASH];

/** Copies one map's elements into another, as the loader's Copy does. */
export function copyMap(
  from: FakeMap,
  to: FakeMap,
  { key, value, keep = false }: Pick<CopyRequest, "key" | "value" | "keep">,
): CopyResponse {
  const [source, target] = [from.definition, to.definition];
  const ofMaps = source.type === MAP_TYPE.ARRAY_OF_MAPS;
  if (
    ofMaps !== (target.type === MAP_TYPE.ARRAY_OF_MAPS) ||
    PER_CPU.includes(source.type) !== PER_CPU.includes(target.type)
  ) {
    const pair = `map ${source.name} to map ${target.name}`;
    const rule = "both must have a value for each CPU, or inner maps, or neither";
    throw new LoaderError(CODE.INVALID_ARGUMENT, `Cannot copy ${pair}: ${rule}`);
  }
  if (keep && ARRAYS.includes(target.type)) {
    throw new LoaderError(
      CODE.INVALID_ARGUMENT,
      `Cannot keep what is in map ${target.name}: every element of an array is there already`,
    );
  }
  check("key", key, source.keySize, target.keySize);
  check("value", value, source.valueSize, target.valueSize);
  // A value of each CPU, padded to 8 bytes.
  const pad = PER_CPU.includes(source.type) ? 8 : 1;
  const sum = { copied: 0, kept: 0, leftOut: 0 };
  for (const element of from.elements()) {
    const at = move(key, element.key, source.keySize, target.keySize, 1);
    const moved = move(value, element.value, source.valueSize, target.valueSize, pad);
    const operation: Operation = ofMaps
      ? { map: target.name, putTable: { key: at, values: moved } }
      : { map: target.name, put: { key: at, value: moved.subarray(0, target.valueSize) } };
    if (keep && to.get(at) !== undefined) {
      sum.kept++;
    } else if (fits(to, operation)) {
      if (pad > 1) to.poke(at, moved);
      sum.copied++;
    } else {
      sum.leftOut++;
    }
  }
  return sum;
}

function check(what: string, pieces: readonly Piece[], before: number, after: number): void {
  pieces.forEach(({ from, to, length }, i) => {
    if (from + length <= before && to + length <= after) return;
    const piece = `Piece ${i} of the ${what} (${length} bytes from ${from} to ${to})`;
    throw new LoaderError(
      CODE.INVALID_ARGUMENT,
      `${piece} lies outside: the ${what} has ${before} bytes, then ${after}`,
    );
  });
}

/** Writes an element where there is room. */
function fits(to: FakeMap, operation: Operation): boolean {
  try {
    to.check(operation);
    to.apply(operation);
    return true;
  } catch {
    return false;
  }
}

/** Each of the structs in `bytes` in its new layout. */
function move(
  pieces: readonly Piece[],
  bytes: Uint8Array,
  before: number,
  after: number,
  pad: number,
): Uint8Array {
  const [oldStride, newStride] = [before, after].map((size) => Math.ceil(size / pad) * pad) as [
    number,
    number,
  ];
  const count = bytes.length / oldStride;
  const moved = new Uint8Array(count * newStride);
  for (let i = 0; i < count; i++) {
    for (const { from, to, length } of pieces) {
      const start = i * oldStride + from;
      moved.set(bytes.subarray(start, start + length), i * newStride + to);
    }
  }
  return moved;
}
