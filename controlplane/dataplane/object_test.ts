// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { buildObject } from "../loader/object_builder.ts";
import { sizeOf, typeName } from "./btf.ts";
import { MAP_TYPE, type ObjectFile, readObject } from "./object.ts";

const pair = { struct: "Pair", fields: { small: "u8", large: "u32" } } as const;

function sample(): Uint8Array {
  return buildObject(
    [
      { name: "pairs", type: MAP_TYPE.HASH, key: { element: "u16", length: 3 }, value: pair, maxEntries: 7 },
      { name: "tables", type: MAP_TYPE.ARRAY_OF_MAPS, key: "u32", value: "u64", maxEntries: 9 },
    ],
    [{ name: "ingress", section: "classifier" }, { name: "early", section: "xdp.frags" }, {
      name: "helper",
      section: ".text",
    }],
  );
}

Deno.test("readObject() finds maps with type, sizes and number of elements", () => {
  const { maps } = readObject(sample());
  const sizes = [...maps.values()].map((map) =>
    [map.name, map.type, map.keySize, map.valueSize, map.maxEntries].join(" ")
  );
  assertEquals(sizes, ["pairs 1 6 8 7", "tables 12 4 8 9"]);
});

Deno.test("readObject() tells the types of keys and values, of a map of maps those of the inner map", () => {
  const { maps, btf } = readObject(sample());
  const names = ["pairs", "tables"].map((name) => typeName(btf, maps.get(name)?.valueType ?? 0));
  assertEquals(names, ["struct Pair", "u64"]);
  assertEquals(typeName(btf, maps.get("pairs")?.keyType ?? 0), "[u16; 3]");
});

Deno.test("readObject() lays structs out by their BTF, padding included", () => {
  const { maps, btf } = readObject(sample());
  const id = maps.get("pairs")?.valueType ?? 0;
  const type = btf[id];
  assertEquals(type?.kind === "struct" && type.members.map(({ name, offset }) => `${name}@${offset}`), [
    "small@0",
    "large@4",
  ]);
  assertEquals(sizeOf(btf, id), 8);
});

Deno.test("readObject() finds the programs of sections that have a hook, and no others", () => {
  const programs = readObject(sample()).programs.map(({ name, type }) => `${name} ${type}`);
  assertEquals(programs, ["ingress sched_cls", "early xdp"]);
});

/** The sample with bytes changed. */
function broken(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = sample();
  change(bytes);
  return bytes;
}

const refusals: Readonly<Record<string, readonly [Uint8Array, string]>> = {
  "nothing": [new Uint8Array(), "The object is no ELF file"],
  "text": [new TextEncoder().encode("#!/bin/sh".repeat(20)), "The object is no ELF file"],
  "a 32-bit file": [broken((bytes) => bytes[4] = 1), "The object is no 64-bit little-endian ELF file"],
  "a big-endian file": [broken((bytes) => bytes[5] = 2), "The object is no 64-bit little-endian ELF file"],
  "a file for another machine": [
    broken((bytes) => bytes[18] = 62),
    "an ELF file for another machine than BPF",
  ],
  "a file that is cut off": [sample().subarray(0, 700), "The object is a truncated ELF file"],
  "BTF with another magic number": [
    broken((bytes) => bytes[64] = 0),
    "The object's BTF has another magic number",
  ],
  "BTF that is cut off": [broken((bytes) => bytes[64 + 13] = 0xff), "The object's BTF is truncated"],
};

for (const [what, [bytes, message]] of Object.entries(refusals)) {
  Deno.test(`readObject() refuses ${what} in words`, () => {
    assertThrows(() => readObject(bytes), SyntaxError, message);
  });
}

Deno.test("readObject() ends with a SyntaxError or an answer, whatever bytes are damaged", () => {
  const bytes = sample();
  const damage = fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(damage, (changes) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, value] of changes) copy[at] = value;
      let object: ObjectFile | undefined;
      try {
        object = readObject(copy);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
      assertEquals(object === undefined || object.maps.size >= 0, true);
    }),
    { numRuns: 2_000 },
  );
});
