// SPDX-License-Identifier: Apache-2.0

// Builds small eBPF object files for tests, so that none of them needs a compiler. The programs in them
// return 0; the maps are described by BTF, as Rust and C objects do.

import { MAP_TYPE } from "../dataplane/object.ts";

/** A type in a map: an integer, an array, or a struct whose fields lie as C lays them out. */
export type TypeSpec =
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | { readonly element: TypeSpec; readonly length: number }
  | { readonly struct: string; readonly fields: Readonly<Record<string, TypeSpec>> };

/** A map to declare. */
export interface MapSpec {
  readonly name: string;
  readonly type: number;
  readonly key: TypeSpec;
  /** Of a map of maps: the inner arrays' value. */
  readonly value: TypeSpec;
  readonly maxEntries: number;
}

/** A program to define. */
export interface ProgramSpec {
  readonly name: string;
  /** "classifier" or "xdp". */
  readonly section: string;
  /** Instructions; default: return 0. */
  readonly code?: Uint8Array;
}

const SIZES = { u8: 1, u16: 2, u32: 4, u64: 8 } as const;

/** BPF_F_INNER_MAP: arrays of any size may be put in. */
const INNER_MAP_FLAG = 1 << 12;

/** r0 = 0; exit. */
const RETURN_ZERO = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** An ELF file with these maps and programs. */
export function buildObject(maps: readonly MapSpec[], programs: readonly ProgramSpec[]): Uint8Array {
  return buildElf(buildBtf(maps), maps, programs);
}

/** Bytes that grow. */
class Bytes {
  #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(...values: number[]): this {
    this.#bytes.push(...values);
    return this;
  }

  u16(value: number): this {
    return this.u8(value & 0xff, value >> 8 & 0xff);
  }

  u32(...values: number[]): this {
    for (const value of values) this.u16(value & 0xffff).u16(value >>> 16);
    return this;
  }

  u64(value: number): this {
    return this.u32(value, 0);
  }

  add(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  align(size: number): this {
    while (this.length % size !== 0) this.u8(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Strings that end with a zero, found by their offset. */
class Strings {
  readonly bytes = new Bytes().u8(0);
  readonly #offsets = new Map([["", 0]]);

  offset(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.bytes.length;
    this.bytes.add(new TextEncoder().encode(text)).u8(0);
    this.#offsets.set(text, offset);
    return offset;
  }
}

/** Types of a BTF section, each added once. */
class Types {
  readonly bytes = new Bytes();
  readonly strings = new Strings();
  readonly #ids = new Map<string, number>();
  #count = 0;

  /** Adds a type of a kind (BTF_KIND_*), a name, a vlen, the third word and what follows. */
  #add(key: string, kind: number, name: string, vlen: number, word: number, ...rest: number[]): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.bytes.u32(this.strings.offset(name), kind << 24 | vlen, word, ...rest);
    this.#ids.set(key, ++this.#count);
    return this.#count;
  }

  integer(name: keyof typeof SIZES): number {
    return this.#add(name, 1, name, 0, SIZES[name], SIZES[name] * 8);
  }

  pointer(type: number): number {
    return this.#add(`*${type}`, 2, "", 0, type);
  }

  array(element: number, length: number): number {
    return this.#add(`[${element};${length}]`, 3, "", 0, 0, element, this.integer("u32"), length);
  }

  struct(name: string, size: number, members: readonly (readonly [string, number, number])[]): number {
    const rest = members.flatMap(([member, type, offset]) => [this.strings.offset(member), type, offset * 8]);
    return this.#add(`${name}${rest}`, 4, name, members.length, size, ...rest);
  }

  variable(name: string, type: number): number {
    return this.#add(`var ${name}`, 14, name, 0, type, 1);
  }

  section(name: string, variables: readonly (readonly [number, number])[]): number {
    const rest = variables.flatMap(([variable, bytes], i) => [variable, i * bytes, bytes]);
    const total = variables.reduce((sum, [, bytes]) => sum + bytes, 0);
    return this.#add(`section ${name}`, 15, name, variables.length, total, ...rest);
  }

  /** Adds what a TypeSpec describes. */
  of(spec: TypeSpec): number {
    if (typeof spec === "string") return this.integer(spec);
    if ("element" in spec) return this.array(this.of(spec.element), spec.length);
    let offset = 0;
    const members = Object.entries(spec.fields).map(([name, field]) => {
      const at = Math.ceil(offset / alignment(field)) * alignment(field);
      offset = at + size(field);
      return [name, this.of(field), at] as const;
    });
    return this.struct(spec.struct, size(spec), members);
  }

  /** A pointer to an array of that length: how BTF-defined maps write a number. */
  number(value: number): number {
    return this.pointer(this.array(this.integer("u32"), value));
  }
}

function alignment(spec: TypeSpec): number {
  if (typeof spec === "string") return SIZES[spec];
  if ("element" in spec) return alignment(spec.element);
  return Math.max(...Object.values(spec.fields).map(alignment));
}

/** Bytes of a value of a type. */
function size(spec: TypeSpec): number {
  if (typeof spec === "string") return SIZES[spec];
  if ("element" in spec) return spec.length * size(spec.element);
  const end = Object.values(spec.fields).reduce(
    (offset, field) => Math.ceil(offset / alignment(field)) * alignment(field) + size(field),
    0,
  );
  return Math.ceil(end / alignment(spec)) * alignment(spec);
}

/** Bytes of a map's struct: five pointers. */
const MAP_SIZE = 40;

function mapStruct(types: Types, map: Omit<MapSpec, "name">, flags = 0, values?: number): number {
  const members: [string, number, number][] = [
    ["type", types.number(map.type), 0],
    ["key", types.pointer(types.of(map.key)), 8],
    ["value", types.pointer(types.of(map.value)), 16],
    ["max_entries", types.number(map.maxEntries), 24],
    ["map_flags", types.number(flags), 32],
  ];
  if (values !== undefined) members.push(["values", types.array(types.pointer(values), 0), MAP_SIZE]);
  return types.struct("map", MAP_SIZE, members);
}

function buildBtf(maps: readonly MapSpec[]): Uint8Array {
  const types = new Types();
  const variables = maps.map((map) => {
    const ofMaps = map.type === MAP_TYPE.ARRAY_OF_MAPS || map.type === MAP_TYPE.HASH_OF_MAPS;
    const inner = ofMaps
      ? mapStruct(
        types,
        { type: MAP_TYPE.ARRAY, key: "u32", value: map.value, maxEntries: 1 },
        INNER_MAP_FLAG,
      )
      : undefined;
    const struct = mapStruct(types, ofMaps ? { ...map, value: "u32" } : map, 0, inner);
    return [types.variable(map.name, struct), MAP_SIZE] as const;
  });
  if (variables.length > 0) types.section(".maps", variables);
  const body = types.bytes.done();
  const strings = types.strings.bytes.done();
  return new Bytes().u16(0xeb9f).u8(1, 0).u32(24, 0, body.length, body.length, strings.length)
    .add(body).add(strings).done();
}

interface SectionSpec {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly data: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entry?: number;
}

const [SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB] = [1, 2, 3];
const [SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR] = [1, 2, 4];
const [SYMBOL_FUNCTION, SYMBOL_OBJECT] = [0x12, 0x11];

function buildElf(btf: Uint8Array, maps: readonly MapSpec[], programs: readonly ProgramSpec[]): Uint8Array {
  const names = new Strings();
  const symbols = new Bytes().add(new Uint8Array(24));
  const symbol = (name: string, info: number, section: number, value: number, bytes: number): void => {
    symbols.u32(names.offset(name)).u8(info, 0).u16(section).u64(value).u64(bytes);
  };
  const sections: SectionSpec[] = [
    { name: "", type: 0, flags: 0, data: new Uint8Array() },
    { name: ".BTF", type: SHT_PROGBITS, flags: 0, data: btf },
    {
      name: "license",
      type: SHT_PROGBITS,
      flags: SHF_WRITE | SHF_ALLOC,
      data: new TextEncoder().encode("GPL\0"),
    },
    {
      name: ".maps",
      type: SHT_PROGBITS,
      flags: SHF_WRITE | SHF_ALLOC,
      data: new Uint8Array(maps.length * MAP_SIZE),
    },
  ];
  maps.forEach((map, i) => symbol(map.name, SYMBOL_OBJECT, 3, i * MAP_SIZE, MAP_SIZE));
  for (const program of programs) {
    const data = program.code ?? RETURN_ZERO;
    symbol(program.name, SYMBOL_FUNCTION, sections.length, 0, data.length);
    sections.push({ name: program.section, type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR, data });
  }
  const strings = sections.length + 1;
  // sh_info of a symbol table: the first global symbol.
  sections.push({
    name: ".symtab",
    type: SHT_SYMTAB,
    flags: 0,
    data: symbols.done(),
    link: strings,
    info: 1,
    entry: 24,
  });
  for (const { name } of [...sections, { name: ".strtab" }]) names.offset(name);
  sections.push({ name: ".strtab", type: SHT_STRTAB, flags: 0, data: names.bytes.done() });
  return layOut(sections, names);
}

function layOut(sections: readonly SectionSpec[], names: Strings): Uint8Array {
  const body = new Bytes();
  const headers = new Bytes();
  const start = 64;
  for (const { name, type, flags, data, link = 0, info = 0, entry = 0 } of sections) {
    body.align(8);
    headers.u32(names.offset(name), type).u64(flags).u64(0).u64(start + body.length).u64(data.length)
      .u32(link, info).u64(8).u64(entry);
    body.add(data);
  }
  body.align(8);
  const ident = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  return new Bytes().u8(...ident).u16(1).u16(247).u32(1).u64(0).u64(0).u64(start + body.length)
    .u32(0).u16(64).u16(0).u16(0).u16(64).u16(sections.length).u16(sections.length - 1)
    .add(body.done()).add(headers.done()).done();
}
