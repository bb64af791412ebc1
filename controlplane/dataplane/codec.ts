// SPDX-License-Identifier: Apache-2.0

import { ADDRESS_SIZE, formatAddress, parseAddress } from "./address.ts";

/**
 * What a field of a struct carries. Integers are little-endian, as on every host that runs little-endian
 * BPF; "be16" is in network byte order; "address" is an IP address as text, the empty text for zeros; "mac" is a
 * link-layer address as twelve hexadecimal digits.
 */
export type FieldKind = "u8" | "u16" | "be16" | "u32" | "u64" | "address" | "mac";

interface FieldTypes {
  u8: number;
  u16: number;
  be16: number;
  u32: number;
  u64: bigint;
  address: string;
  mac: string;
}

/** A struct's values by field. */
export type StructValue<Fields extends Readonly<Record<string, FieldKind>>> = {
  readonly [Field in keyof Fields]: FieldTypes[Fields[Field]];
};

interface Field<Kind extends FieldKind> {
  /** Bytes. */
  readonly size: number;
  write(view: DataView, offset: number, value: FieldTypes[Kind]): void;
  read(view: DataView, offset: number): FieldTypes[Kind];
}

/** Size and code of each kind of field. */
export const FIELDS: { readonly [Kind in FieldKind]: Field<Kind> } = {
  u8: {
    size: 1,
    write: (view, offset, value) => view.setUint8(offset, value),
    read: (view, offset) => view.getUint8(offset),
  },
  u16: {
    size: 2,
    write: (view, offset, value) => view.setUint16(offset, value, true),
    read: (view, offset) => view.getUint16(offset, true),
  },
  be16: {
    size: 2,
    write: (view, offset, value) => view.setUint16(offset, value, false),
    read: (view, offset) => view.getUint16(offset, false),
  },
  u32: {
    size: 4,
    write: (view, offset, value) => view.setUint32(offset, value, true),
    read: (view, offset) => view.getUint32(offset, true),
  },
  u64: {
    size: 8,
    write: (view, offset, value) => view.setBigUint64(offset, value, true),
    read: (view, offset) => view.getBigUint64(offset, true),
  },
  address: { size: ADDRESS_SIZE, write: writeAddress, read: readAddress },
  mac: {
    size: 6,
    write: (view, offset, value) =>
      new Uint8Array(view.buffer, view.byteOffset + offset, 6).setFromHex(value),
    read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, 6).toHex(),
  },
};

function writeAddress(view: DataView, offset: number, value: string): void {
  if (value === "") return;
  new Uint8Array(view.buffer, view.byteOffset + offset, ADDRESS_SIZE).set(parseAddress(value));
}

function readAddress(view: DataView, offset: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, ADDRESS_SIZE);
  return bytes.every((byte) => byte === 0) ? "" : formatAddress(bytes);
}

/** Writes and reads one struct at the offsets its object has. */
export class StructCodec<Fields extends Readonly<Record<string, FieldKind>>> {
  readonly #fields: readonly (readonly [keyof Fields & string, FieldKind, number])[];

  /** Bytes of the struct, padding included. */
  readonly size: number;

  constructor(fields: Fields, size: number, offsets: ReadonlyMap<string, number>) {
    this.size = size;
    this.#fields = Object.entries(fields).map(([name, kind]) => {
      const offset = offsets.get(name);
      if (offset === undefined) throw new TypeError(`Field ${name} has no offset`);
      return [name, kind, offset] as const;
    });
  }

  /** The struct's bytes; what no field covers is zero. */
  encode(value: StructValue<Fields>): Uint8Array {
    const bytes = new Uint8Array(this.size);
    const view = new DataView(bytes.buffer);
    for (const [name, kind, offset] of this.#fields) {
      (FIELDS[kind] as Field<FieldKind>).write(view, offset, value[name]);
    }
    return bytes;
  }

  /** One field of a struct's bytes; spares decoding the rest. */
  read<Name extends keyof Fields & string>(bytes: Uint8Array, name: Name): StructValue<Fields>[Name] {
    const field = this.#fields.find(([candidate]) => candidate === name);
    if (field === undefined) throw new TypeError(`There is no field ${name}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return FIELDS[field[1]].read(view, field[2]) as StructValue<Fields>[Name];
  }

  /** The struct's values. Throws a RangeError when the bytes are too few. */
  decode(bytes: Uint8Array): StructValue<Fields> {
    if (bytes.length < this.size) {
      throw new RangeError(`A struct of ${this.size} bytes came with ${bytes.length} bytes`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = this.#fields.map(([name, kind, offset]) =>
      [name, FIELDS[kind].read(view, offset)] as const
    );
    // Each field's kind decides its type, which Object.fromEntries() cannot express.
    return Object.fromEntries(values) as StructValue<Fields>;
  }
}

/** A map key or value of four bytes. */
export function encodeU32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The number in a map key or value of four bytes. */
export function decodeU32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}

/** Slots in one element of a table: SLOTS_IN_ELEMENT of ebpf/src/layout.rs. */
const SLOTS_IN_ELEMENT = 16;

/** Bytes of an element of a table. */
export const TABLE_ELEMENT_SIZE = 4 * SLOTS_IN_ELEMENT;

/** A table's slots one after another, in host byte order as a typed array has them; zeros fill up the last element. */
export function encodeTable(slots: Uint32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(slots.length / SLOTS_IN_ELEMENT) * TABLE_ELEMENT_SIZE);
  bytes.set(new Uint8Array(slots.buffer, slots.byteOffset, slots.byteLength));
  return bytes;
}

/** Reads what encodeTable() wrote, with what fills up the last element. */
export function decodeTable(bytes: Uint8Array): Uint32Array {
  // A copy, because the bytes of a message may begin anywhere.
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
