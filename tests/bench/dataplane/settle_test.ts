// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { settle } from "./settle.ts";

/** How often it waits where programs take so much processor time in one look after the other; the last one goes on. */
async function looks(...seconds: readonly number[]): Promise<number> {
  let [looks, time] = [0, 0];
  await settle(() => time, () => {
    time += seconds[Math.min(looks++, seconds.length - 1)]!;
    return Promise.resolve();
  });
  return looks;
}

Deno.test("settle() waits until programs do next to nothing", async () => {
  assertEquals(await looks(0.01), 1);
  assertEquals(await looks(0.9, 0.5, 0.001), 3);
});

Deno.test("settle() does not take the end of a busy thread for rest", async () => {
  assertEquals(await looks(-3, 0), 2);
});

Deno.test("settle() gives up on programs that never rest", async () => {
  assertEquals(await looks(0.5), 30);
});
