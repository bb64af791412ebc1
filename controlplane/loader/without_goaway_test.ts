// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { withoutGoaway } from "./without_goaway.ts";

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A frame of that type, with so many bytes of its own number. */
function frame(type: number, length: number): Uint8Array {
  const header = [length >> 16, length >> 8 & 255, length & 255, type, 0, 0, 0, 0, 1];
  return Uint8Array.from([...header, ...new Array(length).fill(type)]);
}

/** What comes out of bytes that arrive in pieces of that size. */
async function filtered(bytes: Uint8Array, size: number): Promise<Uint8Array> {
  const pieces = ReadableStream.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size)),
  );
  return new Uint8Array(await new Response(pieces.pipeThrough(withoutGoaway())).arrayBuffer());
}

const join = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

Deno.test("withoutGoaway() leaves GOAWAY frames out and passes everything else on, however it is cut", async () => {
  const [headers, data, empty, goaway] = [frame(1, 30), frame(0, 70_000), frame(4, 0), frame(7, 17)];
  const all = join(PREFACE, empty, headers, goaway, data, goaway, empty);
  for (const size of [1_000, 100_000, 13]) {
    assertEquals(await filtered(all, size), join(PREFACE, empty, headers, data, empty), `pieces of ${size}`);
  }
});

Deno.test("withoutGoaway() passes on at once what has come of a frame", async () => {
  const cut = join(PREFACE, frame(0, 100).subarray(0, 50));
  assertEquals(await filtered(cut, 7), cut);
});
