// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { poll } from "./poll.ts";

Deno.test("poll() takes a failure as not yet", async () => {
  let looks = 0;
  const ready = (): Promise<boolean> =>
    ++looks < 3 ? Promise.reject(new Error("refused")) : Promise.resolve(true);
  assertEquals(await poll({ ready, patience: 60_000 }), "ready");
  assertEquals(looks, 3);
});

Deno.test("poll() stops when there is nothing left to wait for", async () => {
  const ready = (): Promise<boolean> => Promise.resolve(false);
  assertEquals(await poll({ ready, patience: 60_000, ended: () => true }), "ended");
});

Deno.test("poll() looks once more before it gives up", async () => {
  assertEquals(await poll({ ready: () => Promise.resolve(true), patience: 0, ended: () => true }), "ready");
  assertEquals(await poll({ ready: () => Promise.resolve(false), patience: 0 }), "late");
});
