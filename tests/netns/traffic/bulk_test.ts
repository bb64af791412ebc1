// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { sendBulk } from "./bulk.ts";

/** A connection that takes at most `most` bytes a write, as a full socket buffer does. */
function sink(most: number): { data: number[]; write(piece: Uint8Array): Promise<number> } {
  const data: number[] = [];
  return {
    data,
    write: (piece) => {
      const taken = piece.subarray(0, most);
      data.push(...taken);
      return Promise.resolve(taken.length);
    },
  };
}

Deno.test("sendBulk() returns the hash of what it wrote, in spite of short writes", async () => {
  const connection = sink(1000);
  const hash = await sendBulk(connection, 150_000, 0);
  assertEquals(connection.data.length, 150_000);
  assertEquals(hash, createHash("sha256").update(new Uint8Array(connection.data)).digest("hex"));
});

Deno.test("sendBulk() sends other data in every piece", async () => {
  const { data, ...connection } = sink(Infinity);
  await sendBulk(connection, 131_072, 0);
  assertNotEquals(data.slice(0, 65_536), data.slice(65_536));
});

Deno.test("sendBulk() takes as long as asked and reports its progress", async () => {
  const began = performance.now();
  const progress: number[] = [];
  await sendBulk(sink(Infinity), 131_072, 0.2, (sent) => progress.push(sent));
  assert(performance.now() - began >= 190);
  assertEquals(progress, [65_536, 131_072]);
});

Deno.test("sendBulk() sends the rest at once when it is told to hurry", async () => {
  const connection = sink(Infinity);
  const hurry = new AbortController();
  const progress = (sent: number): void => void (sent === 65_536 && setTimeout(() => hurry.abort(), 10));
  const hash = await sendBulk(connection, 262_144, 3_600, progress, hurry.signal);
  assertEquals(connection.data.length, 262_144);
  assertEquals(hash, createHash("sha256").update(new Uint8Array(connection.data)).digest("hex"));
});
