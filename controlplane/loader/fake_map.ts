// SPDX-License-Identifier: Apache-2.0

import { MAP_TYPE, type MapDefinition } from "../dataplane/object.ts";
import { CODE, LoaderError } from "./error.ts";
import type { Element, MapInfo, Operation } from "./messages.ts";

const PER_CPU: readonly number[] = [MAP_TYPE.PERCPU_HASH, MAP_TYPE.PERCPU_ARRAY, MAP_TYPE.LRU_PERCPU_HASH];
const OF_MAPS: readonly number[] = [MAP_TYPE.ARRAY_OF_MAPS, MAP_TYPE.HASH_OF_MAPS];
/** Elements are always there: to remove one means to write zeros. */
const PERMANENT: readonly number[] = [MAP_TYPE.ARRAY, MAP_TYPE.PERCPU_ARRAY];
const INDEXED: readonly number[] = [...PERMANENT, MAP_TYPE.ARRAY_OF_MAPS];
const LRU: readonly number[] = [MAP_TYPE.LRU_HASH, MAP_TYPE.LRU_PERCPU_HASH];

/** A map in the memory of the fake loader, with the semantics of its type in the kernel. */
export class FakeMap {
  readonly definition: MapDefinition;
  readonly #cpus: number;
  /** By the key in hexadecimal, the oldest first. */
  readonly #elements = new Map<string, Uint8Array>();

  constructor(definition: MapDefinition, cpus: number) {
    this.definition = definition;
    this.#cpus = cpus;
  }

  /** Its description, as Load and Probe return it. */
  info(adopted: boolean): MapInfo {
    const { name, type, keySize, valueSize, maxEntries } = this.definition;
    return { name, type, keySize, valueSize, maxEntries, adopted, memory: this.#memory() };
  }

  /** Throws the reason, as an Error without status, when an operation can never work on this map. */
  check(operation: Operation): void {
    const { type, keySize, valueSize, maxEntries } = this.definition;
    const key = keyOf(operation);
    if (key === undefined) throw new Error("it says neither put, delete nor put_table");
    if (key.length !== keySize) {
      throw new Error(`the key has ${key.length} bytes, the map's keys have ${keySize}`);
    }
    if (INDEXED.includes(type) && index(key) >= maxEntries) {
      throw new Error(`index ${index(key)} is out of bounds, the map has ${maxEntries} elements`);
    }
    const ofMaps = OF_MAPS.includes(type);
    if (operation.put && ofMaps) throw new Error("a map of maps takes put_table, not put");
    if (operation.putTable && !ofMaps) throw new Error("put_table needs a map of maps");
    const length = (operation.put?.value ?? operation.putTable?.values)?.length ?? valueSize;
    if (operation.put && length !== valueSize) {
      throw new Error(`the value has ${length} bytes, the map's values have ${valueSize}`);
    }
    if (operation.putTable && (length === 0 || length % valueSize !== 0)) {
      throw new Error(`a table of ${length} bytes is not one or more whole values of ${valueSize} bytes`);
    }
  }

  /** Does an operation that was checked. Throws RESOURCE_EXHAUSTED when the map is full. */
  apply(operation: Operation): void {
    const { type, name, maxEntries } = this.definition;
    const key = toHex(keyOf(operation) ?? new Uint8Array());
    if (operation.delete || PERMANENT.includes(type) && isZero(operation.put?.value)) {
      this.#elements.delete(key);
      return;
    }
    if (!this.#elements.has(key) && this.#elements.size >= maxEntries) {
      const oldest = this.#elements.keys().next().value;
      if (!LRU.includes(type) || oldest === undefined) {
        throw new LoaderError(
          CODE.RESOURCE_EXHAUSTED,
          `Cannot write to map ${name}: the kernel has no room (${maxEntries} elements); raise max_entries or free memory`,
        );
      }
      this.#elements.delete(oldest);
    }
    const value = operation.put?.value ?? operation.putTable?.values ?? new Uint8Array();
    this.#elements.delete(key);
    this.#elements.set(key, Uint8Array.from(PER_CPU.includes(type) ? this.#everyCpu(value) : value));
  }

  /** How many elements it has; arrays have every index. */
  get size(): number {
    const { type, maxEntries } = this.definition;
    return PERMANENT.includes(type) ? maxEntries : this.#elements.size;
  }

  /** Bytes of keys and values alone, where the kernel would add its own. */
  #memory(): number {
    const { type, keySize, maxEntries } = this.definition;
    const key = INDEXED.includes(type) ? 0 : padded(keySize);
    return maxEntries * (OF_MAPS.includes(type) ? 8 : key + padded(this.#valueSize()));
  }

  /** All elements; arrays have every index, zeros included. */
  *elements(): Generator<Element> {
    const { type, maxEntries } = this.definition;
    if (!PERMANENT.includes(type)) {
      for (const [key, value] of this.#elements) yield { key: fromHex(key), value };
      return;
    }
    const zeros = new Uint8Array(this.#valueSize());
    for (let i = 0; i < maxEntries; i++) {
      const key = new Uint8Array(Uint32Array.of(i).buffer);
      yield { key, value: this.#elements.get(toHex(key)) ?? zeros };
    }
  }

  /** The value at a key, as Dump returns it. */
  get(key: Uint8Array): Uint8Array | undefined {
    const zeros = PERMANENT.includes(this.definition.type) ? new Uint8Array(this.#valueSize()) : undefined;
    return this.#elements.get(toHex(key)) ?? zeros;
  }

  /** Writes what the kernel's programs would have written: bytes for all CPUs at once, unchecked. */
  poke(key: Uint8Array, value: Uint8Array): void {
    this.#elements.set(toHex(key), value);
  }

  #valueSize(): number {
    const { type, valueSize } = this.definition;
    return PER_CPU.includes(type) ? padded(valueSize) * this.#cpus : valueSize;
  }

  #everyCpu(value: Uint8Array): Uint8Array {
    const size = padded(value.length);
    const all = new Uint8Array(size * this.#cpus);
    for (let cpu = 0; cpu < this.#cpus; cpu++) all.set(value, cpu * size);
    return all;
  }
}

function keyOf(operation: Operation): Uint8Array | undefined {
  return (operation.put ?? operation.delete ?? operation.putTable)?.key;
}

function index(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0, true);
}

function isZero(value: Uint8Array | undefined): boolean {
  return value !== undefined && value.every((byte) => byte === 0);
}

/** bpf(2) pads each CPU's value to 8 bytes. */
function padded(size: number): number {
  return Math.ceil(size / 8) * 8;
}

// Buffers of protobuf are copied, as their memory belongs to the message.
function toHex(bytes: Uint8Array): string {
  return Uint8Array.from(bytes).toHex();
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}
