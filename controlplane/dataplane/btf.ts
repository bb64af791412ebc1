// SPDX-License-Identifier: Apache-2.0

import { cString } from "./elf.ts";

/** A member of a BTF struct. */
export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** Bytes from the start of the struct. */
  readonly offset: number;
}

/** A BTF type, of the kinds that describe maps and what is in them. */
export type BtfType =
  | { readonly kind: "void" }
  | { readonly kind: "int"; readonly name: string; readonly size: number }
  | { readonly kind: "pointer"; readonly type: number }
  | { readonly kind: "array"; readonly element: number; readonly length: number }
  | {
    readonly kind: "struct";
    readonly name: string;
    readonly size: number;
    readonly members: readonly BtfMember[];
  }
  | { readonly kind: "alias"; readonly name: string; readonly type: number }
  | { readonly kind: "variable"; readonly name: string; readonly type: number }
  | { readonly kind: "section"; readonly name: string; readonly variables: readonly number[] }
  | { readonly kind: "other"; readonly name: string; readonly size: number };

/** The types of an object, index is the BTF type id. */
export type Btf = readonly BtfType[];

// BTF_KIND_* of linux/btf.h.
const KIND = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

const BTF_MAGIC = 0xeb9f;
const TYPE_SIZE = 12;

/**
 * Reads the section `.BTF` of a little-endian object (kernel documentation, bpf/btf.rst).
 * Throws a SyntaxError when it is damaged or has a kind that is not known.
 */
export function parseBtf(bytes: Uint8Array): Btf {
  try {
    return readBtf(bytes);
  } catch (cause) {
    if (cause instanceof RangeError) throw new SyntaxError("The object's BTF is truncated", { cause });
    throw cause;
  }
}

function readBtf(bytes: Uint8Array): Btf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0, true) !== BTF_MAGIC) {
    throw new SyntaxError("The object's BTF has another magic number");
  }
  const header = view.getUint32(4, true);
  const start = header + view.getUint32(8, true);
  const end = start + view.getUint32(12, true);
  const stringsAt = header + view.getUint32(16, true);
  const strings = bytes.subarray(stringsAt, stringsAt + view.getUint32(20, true));
  const types: BtfType[] = [{ kind: "void" }];
  for (let at = start; at < end;) {
    const { type, next } = readType(view, strings, at);
    types.push(type);
    at = next;
  }
  return types;
}

function readType(view: DataView, strings: Uint8Array, at: number): { type: BtfType; next: number } {
  const name = cString(strings, view.getUint32(at, true));
  const info = view.getUint32(at + 4, true);
  const kind = (info >>> 24) & 0x1f;
  const length = info & 0xffff;
  // The third word of a type is a size or another type's id, depending on the kind.
  const word = view.getUint32(at + 8, true);
  const body = at + TYPE_SIZE;
  const rows = <T>(size: number, read: (at: number) => T): T[] =>
    Array.from({ length }, (_, i) => read(body + i * size));
  switch (kind) {
    case KIND.INT:
      return { type: { kind: "int", name, size: word }, next: body + 4 };
    case KIND.PTR:
      return { type: { kind: "pointer", type: word }, next: body };
    case KIND.ARRAY: {
      const element = view.getUint32(body, true);
      return { type: { kind: "array", element, length: view.getUint32(body + 8, true) }, next: body + 12 };
    }
    case KIND.STRUCT: {
      // With kind_flag set the upper byte of the offset is a bit-field's width.
      const mask = info >>> 31 === 1 ? 0xffffff : 0xffffffff;
      const members = rows(12, (row) => ({
        name: cString(strings, view.getUint32(row, true)),
        type: view.getUint32(row + 4, true),
        offset: ((view.getUint32(row + 8, true) & mask) >>> 0) / 8,
      }));
      return { type: { kind: "struct", name, size: word, members }, next: body + length * 12 };
    }
    case KIND.TYPEDEF:
    case KIND.VOLATILE:
    case KIND.CONST:
    case KIND.RESTRICT:
    case KIND.TYPE_TAG:
      return { type: { kind: "alias", name, type: word }, next: body };
    case KIND.VAR:
      return { type: { kind: "variable", name, type: word }, next: body + 4 };
    case KIND.DATASEC: {
      const variables = rows(12, (row) => view.getUint32(row, true));
      return { type: { kind: "section", name, variables }, next: body + length * 12 };
    }
    default:
      return { type: { kind: "other", name, size: word }, next: body + bodySize(kind, length) };
  }
}

/** Bytes that follow the three words of a type of a kind whose content does not matter here. */
function bodySize(kind: number, length: number): number {
  switch (kind) {
    case KIND.UNION:
    case KIND.ENUM64:
      return length * 12;
    case KIND.ENUM:
    case KIND.FUNC_PROTO:
      return length * 8;
    case KIND.FWD:
    case KIND.FUNC:
    case KIND.FLOAT:
      return 0;
    case KIND.DECL_TAG:
      return 4;
    default:
      throw new SyntaxError(`The object's BTF has a type of kind ${kind}, which is not known`);
  }
}

/** The type behind typedefs and qualifiers. Throws a SyntaxError for an id that does not exist. */
export function resolveType(btf: Btf, id: number): BtfType {
  for (let depth = 0; depth <= btf.length; depth++) {
    const type = btf[id];
    if (type === undefined) throw new SyntaxError(`The object's BTF has no type ${id}`);
    if (type.kind !== "alias") return type;
    id = type.type;
  }
  throw new SyntaxError(`The object's BTF type ${id} refers to itself`);
}

/** Bytes that a value of a type takes. Throws a SyntaxError for a type that has none, or is an array of itself. */
export function sizeOf(btf: Btf, id: number, depth = 0): number {
  if (depth > btf.length) throw new SyntaxError(`The object's BTF type ${id} refers to itself`);
  const type = resolveType(btf, id);
  switch (type.kind) {
    case "int":
    case "struct":
    case "other":
      return type.size;
    case "pointer":
      return 8;
    case "array":
      return type.length * sizeOf(btf, type.element, depth + 1);
    default:
      throw new SyntaxError(`The object's BTF type ${id} has no size`);
  }
}

/** How messages write a type: "u32", "[u32; 4]", "struct Backend". */
export function typeName(btf: Btf, id: number): string {
  const type = resolveType(btf, id);
  switch (type.kind) {
    case "int":
      return type.name;
    case "struct":
      return `struct ${type.name}`;
    case "array":
      return `[${typeName(btf, type.element)}; ${type.length}]`;
    case "pointer":
      return "a pointer";
    default:
      return type.kind === "other" ? type.name : type.kind;
  }
}
