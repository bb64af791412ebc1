// SPDX-License-Identifier: Apache-2.0

import { type Btf, type BtfType, parseBtf, resolveType, sizeOf } from "./btf.ts";
import { type Elf, parseElf } from "./elf.ts";

/** bpf_map_type of linux/bpf.h, as far as Blixt's object has them. */
export const MAP_TYPE = {
  HASH: 1,
  ARRAY: 2,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  ARRAY_OF_MAPS: 12,
  HASH_OF_MAPS: 13,
} as const;

/** A map as an object declares it. */
export interface MapDefinition {
  readonly name: string;
  /** bpf_map_type. */
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes; of a map of maps, the inner map's value. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BTF type ids; absent when the object gives sizes alone. Of a map of maps, the inner map's value. */
  readonly keyType?: number;
  readonly valueType?: number;
}

/** A program in an object. */
export interface ProgramDefinition {
  readonly name: string;
  readonly type: "sched_cls" | "xdp";
}

/** An eBPF object file, read. */
export interface ObjectFile {
  readonly btf: Btf;
  readonly maps: ReadonlyMap<string, MapDefinition>;
  readonly programs: readonly ProgramDefinition[];
}

/** Sections that hold programs, by their name up to the first slash or dot. */
const PROGRAM_SECTIONS: Readonly<Record<string, ProgramDefinition["type"]>> = {
  classifier: "sched_cls",
  tc: "sched_cls",
  tcx: "sched_cls",
  xdp: "xdp",
};

/** Reads maps (from the BTF of section `.maps`) and programs. Throws a SyntaxError that says what is wrong. */
export function readObject(bytes: Uint8Array): ObjectFile {
  const elf = parseElf(bytes);
  const section = elf.sections.get(".BTF");
  if (section === undefined) throw new SyntaxError("The object has no section .BTF");
  const btf = parseBtf(section.data);
  return { btf, maps: readMaps(btf), programs: readPrograms(elf) };
}

function readPrograms(elf: Elf): ProgramDefinition[] {
  return elf.symbols.flatMap((symbol) => {
    const type = PROGRAM_SECTIONS[symbol.section.split(/[./]/, 1)[0] ?? ""];
    return symbol.isFunction && symbol.isGlobal && type !== undefined ? [{ name: symbol.name, type }] : [];
  });
}

function readMaps(btf: Btf): Map<string, MapDefinition> {
  const maps = new Map<string, MapDefinition>();
  for (const section of btf) {
    if (section.kind !== "section" || section.name !== ".maps") continue;
    for (const id of section.variables) {
      const variable = resolveType(btf, id);
      if (variable.kind !== "variable") throw new SyntaxError(`BTF type ${id} in .maps is no variable`);
      maps.set(variable.name, readMap(btf, variable.name, variable.type));
    }
  }
  return maps;
}

/** Reads a map's struct the way libbpf's "BTF-defined maps" write it: numbers as lengths of arrays. */
function readMap(btf: Btf, name: string, id: number): MapDefinition {
  const struct = resolveType(btf, id);
  if (struct.kind !== "struct") throw new SyntaxError(`Map ${name} is not declared as a struct`);
  const member = (wanted: string): number | undefined => struct.members.find((m) => m.name === wanted)?.type;
  const number = (wanted: string): number => {
    const type = member(wanted);
    return type === undefined ? 0 : arrayLength(pointee(btf, type), name, wanted);
  };
  const target = (wanted: string): number | undefined => {
    const type = member(wanted);
    return type === undefined ? undefined : pointeeId(btf, type);
  };
  const size = (type: number | undefined, wanted: string): number =>
    type === undefined ? number(wanted) : sizeOf(btf, type);
  const keyType = target("key");
  const values = member("values");
  const inner = values === undefined ? undefined : readMap(btf, name, innerType(btf, values, name));
  const valueType = inner === undefined ? target("value") : inner.valueType;
  return {
    name,
    type: number("type"),
    keySize: size(keyType, "key_size"),
    valueSize: inner === undefined ? size(valueType, "value_size") : inner.valueSize,
    maxEntries: number("max_entries"),
    ...(keyType === undefined ? {} : { keyType }),
    ...(valueType === undefined ? {} : { valueType }),
  };
}

function innerType(btf: Btf, values: number, name: string): number {
  const array = resolveType(btf, values);
  const inner = array.kind === "array" ? pointeeId(btf, array.element) : undefined;
  if (inner === undefined) throw new SyntaxError(`Map ${name} does not say what its inner maps are`);
  return inner;
}

function pointeeId(btf: Btf, id: number): number | undefined {
  const type = resolveType(btf, id);
  return type.kind === "pointer" ? type.type : undefined;
}

function pointee(btf: Btf, id: number): BtfType | undefined {
  const target = pointeeId(btf, id);
  return target === undefined ? undefined : resolveType(btf, target);
}

function arrayLength(type: BtfType | undefined, map: string, member: string): number {
  if (type?.kind !== "array") throw new SyntaxError(`Map ${map} has no number in its member ${member}`);
  return type.length;
}
