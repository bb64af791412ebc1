// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { buildObject, type MapSpec } from "../loader/object_builder.ts";
import { MAP_TYPE, readObject } from "./object.ts";
import { decodeNote, describeMaps, encodeNote } from "./object_note.ts";

const inner = { struct: "Inner", fields: { a: "u8", pad: { element: "u8", length: 3 } } } as const;
const map: MapSpec = {
  name: "m",
  type: MAP_TYPE.HASH,
  key: "u32",
  value: { struct: "Value", fields: { one: "u16", inner, reserved2: "u32", last: "u64" } },
  maxEntries: 4,
};
const tables: MapSpec = { name: "t", type: MAP_TYPE.ARRAY_OF_MAPS, key: "u32", value: "u64", maxEntries: 4 };
const object = readObject(buildObject([map, tables], []));

Deno.test("describeMaps() lists fields with offset and size, those of inner structs too, and no padding", () => {
  assertEquals(describeMaps(object), {
    m: { key: [["", 0, 4]], value: [["one", 0, 2], ["inner.a", 2, 1], ["last", 16, 8]] },
    t: { key: [["", 0, 4]], value: [["", 0, 8]] },
  });
});

Deno.test("decodeNote() reads what encodeNote() wrote", () => {
  assertEquals(decodeNote(encodeNote(describeMaps(object))), describeMaps(object));
});

Deno.test("decodeNote() knows nothing of an absent, damaged or later note", () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  for (const note of ["", "{", '{"version":2,"maps":{}}', "7"]) {
    assertEquals(decodeNote(text(note)), undefined);
  }
});
