// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { encodeHeader, entrySize, padding } from "./tar.ts";

const text = (header: Uint8Array, offset: number, length: number): string =>
  new TextDecoder().decode(header.subarray(offset, offset + length)).replace(/\0.*$/, "");

Deno.test("padding() and entrySize() fill up to blocks of 512 bytes", () => {
  assertEquals([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
  assertEquals([0, 1, 512, 513].map(entrySize), [512, 1024, 1024, 1536]);
});

Deno.test("encodeHeader() writes octal numbers and the sum of its bytes with the sum as spaces", () => {
  const header = encodeHeader({ path: "bin/a", type: "file", mode: 0o755, size: 1000 });
  assertEquals(text(header, 0, 100), "bin/a");
  assertEquals([text(header, 100, 8), text(header, 124, 12)], ["0000755", "00000001750"]);
  assertEquals(text(header, 257, 6), "ustar");
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  assertEquals(parseInt(text(header, 148, 8), 8), sum);
});

Deno.test("encodeHeader() ends a folder's path with a slash", () => {
  const header = encodeHeader({ path: "bin", type: "directory", mode: 0o755, size: 0 });
  assertEquals([text(header, 0, 100), text(header, 156, 1)], ["bin/", "5"]);
});

Deno.test("encodeHeader() splits a path of more than 100 bytes, and refuses one that cannot be", () => {
  const [folder, name] = ["f".repeat(120), "n".repeat(90)];
  const header = encodeHeader({ path: `${folder}/${name}`, type: "file", mode: 0o644, size: 0 });
  assertEquals([text(header, 345, 155), text(header, 0, 100)], [folder, name]);
  const tooLong = (path: string) => () => encodeHeader({ path, type: "file", mode: 0o644, size: 0 });
  assertThrows(tooLong("n".repeat(101)), RangeError, "too long");
  assertThrows(tooLong(`${"f".repeat(156)}/n`), RangeError, "too long");
  assertThrows(tooLong(`f/${"ü".repeat(51)}`), RangeError, "too long");
});
