// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { LineReader } from "./line_reader.ts";

/** A connection that gives one piece at each read. */
function pieces(...texts: string[]): { read(buffer: Uint8Array): Promise<number | null> } {
  return {
    read: (buffer) => {
      const text = texts.shift();
      return Promise.resolve(text === undefined ? null : new TextEncoder().encodeInto(text, buffer).written);
    },
  };
}

Deno.test("LineReader.line() joins pieces and splits lines", async () => {
  const reader = new LineReader(pieces("on", "e\ntwo\nth", "ree\n", "rest"));
  const lines = [await reader.line(), await reader.line(), await reader.line(), await reader.line()];
  assertEquals(lines, ["one", "two", "three", undefined]);
});

Deno.test("LineReader.bytes() takes exactly as many bytes and leaves the next line whole", async () => {
  const reader = new LineReader(pieces("put 5\nab", "cde", "fin\n"));
  assertEquals(await reader.line(), "put 5");
  let data = "";
  const got = await reader.bytes(5, (piece) => data += new TextDecoder().decode(piece));
  assertEquals([got, data, await reader.line()], [5, "abcde", "fin"]);
});

Deno.test("LineReader.bytes() tells how much came before the end", async () => {
  assertEquals(await new LineReader(pieces("abc")).bytes(10, () => {}), 3);
});
