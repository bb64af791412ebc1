// SPDX-License-Identifier: Apache-2.0

// What the next control plane has to know of the maps that it finds: the kernel keeps their sizes, but not what
// their bytes mean. It is kept by the loader as the object's note.

import { type Btf, resolveType, sizeOf } from "./btf.ts";
import type { ObjectFile } from "./object.ts";

/** A field of a key or value: name, with a dot before those of an inner struct, offset and size in bytes. */
export type FieldNote = readonly [name: string, offset: number, size: number];

/** A map's key and value. A plain type is one field without a name. */
export interface MapNote {
  readonly key: readonly FieldNote[];
  /** Of a map of maps: the inner map's value. */
  readonly value: readonly FieldNote[];
}

/** Maps by name. */
export type ObjectNote = Readonly<Record<string, MapNote>>;

/** Grows when a control plane of before would misread what is written. */
const VERSION = 1;

/** Fields that carry nothing; they may come and go. */
const PADDING = /(^|\.)(pad|reserved)\d*$/;

/** Describes every map of an object. */
export function describeMaps({ btf, maps }: ObjectFile): ObjectNote {
  const fields = (type: number | undefined, size: number): FieldNote[] =>
    type === undefined ? [["", 0, size]] : fieldsOf(btf, type, "", 0);
  return Object.fromEntries([...maps].map(([name, { keyType, valueType, keySize, valueSize }]) => [
    name,
    { key: fields(keyType, keySize), value: fields(valueType, valueSize) },
  ]));
}

function fieldsOf(btf: Btf, id: number, name: string, offset: number): FieldNote[] {
  const type = resolveType(btf, id);
  if (type.kind !== "struct") return [[name, offset, sizeOf(btf, id)]];
  return type.members.flatMap((member) =>
    fieldsOf(btf, member.type, name === "" ? member.name : `${name}.${member.name}`, offset + member.offset)
  ).filter(([field]) => !PADDING.test(field));
}

/** A note in bytes. */
export function encodeNote(maps: ObjectNote): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, maps }));
}

/** Reads a note; undefined when there is none, or one that this control plane does not understand. */
export function decodeNote(bytes: Uint8Array): ObjectNote | undefined {
  try {
    const { version, maps } = JSON.parse(new TextDecoder().decode(bytes));
    return version === VERSION ? maps : undefined;
  } catch {
    return undefined;
  }
}
