// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeTable, decodeU32, encodeTable, encodeU32, StructCodec } from "./codec.ts";

const FIELDS = {
  flag: "u8",
  half: "u16",
  port: "be16",
  word: "u32",
  count: "u64",
  ip: "address",
  mac: "mac",
} as const;
const OFFSETS = new Map(Object.entries({ flag: 0, half: 2, port: 4, word: 8, count: 16, ip: 24, mac: 40 }));
const codec = new StructCodec(FIELDS, 48, OFFSETS);

const value = {
  flag: 1,
  half: 0x0203,
  port: 0x0405,
  word: 0x06070809,
  count: 0x0a0b0c0d0e0f1011n,
  ip: "10.0.0.1",
  mac: "0200000000fe",
};

Deno.test("StructCodec.encode() writes each kind of field at its offset, zeros between", () => {
  assertEquals(
    codec.encode(value).toHex(),
    "0100" + "0302" + "0405" + "0000" + "09080706" + "00000000" + "11100f0e0d0c0b0a" +
      "00000000000000000000ffff0a000001" + "0200000000fe" + "0000",
  );
});

Deno.test("StructCodec.decode() reads what encode() wrote, at any place in memory", () => {
  const memory = new Uint8Array(60);
  memory.set(codec.encode(value), 5);
  assertEquals(codec.decode(memory.subarray(5)), value);
});

Deno.test("StructCodec writes an empty address as zeros, and reads zeros as empty", () => {
  const bytes = codec.encode({ ...value, ip: "" });
  assertEquals(bytes.subarray(24, 40), new Uint8Array(16));
  assertEquals(codec.decode(bytes).ip, "");
});

Deno.test("StructCodec.read() reads one field as decode() does", () => {
  const bytes = codec.encode(value);
  for (const name of ["flag", "port", "count", "ip", "mac"] as const) {
    assertEquals(codec.read(bytes, name), value[name]);
  }
});

Deno.test("StructCodec.decode() refuses fewer bytes than the struct has", () => {
  assertThrows(() => codec.decode(new Uint8Array(47)), RangeError, "48 bytes came with 47 bytes");
});

Deno.test("StructCodec keeps any number of each kind", () => {
  const arbitrary = fc.record({
    flag: fc.nat(255),
    half: fc.nat(65_535),
    port: fc.nat(65_535),
    word: fc.nat(2 ** 32 - 1),
    count: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    ip: fc.constantFrom("", "192.0.2.1", "2001:db8::1"),
    mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => bytes.toHex()),
  });
  fc.assert(fc.property(arbitrary, (any) => assertEquals(codec.decode(codec.encode(any)), any)));
});

Deno.test("encodeU32() and encodeTable() write host byte order, and are read back", () => {
  assertEquals([encodeU32(0x01020304).toHex(), decodeU32(encodeU32(0xfffffffe))], ["04030201", 0xfffffffe]);
  const table = Uint32Array.of(1, 0, 0xffffffff);
  assertEquals(encodeTable(table).toHex(), "0100000000000000ffffffff" + "00".repeat(64 - 12));
  const memory = Uint8Array.from([9, ...encodeTable(table)]);
  assertEquals(decodeTable(memory.subarray(1)).slice(0, 3), table);
});

Deno.test("encodeTable() writes whole elements of sixteen slots, and no more than are needed", () => {
  const sizes = [1, 16, 17, 4_093].map((slots) => encodeTable(new Uint32Array(slots)).length);
  assertEquals(sizes, [64, 64, 128, 256 * 64]);
});
