// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Backoff } from "./backoff.ts";

Deno.test("Backoff.next() doubles from 100 ms to 5 s", () => {
  const backoff = new Backoff(() => 0);
  const waits = Array.from({ length: 8 }, () => backoff.next());
  assertEquals(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

Deno.test("Backoff.next() is shortened by up to half, so that nodes do not march in step", () => {
  let random = 0.5;
  const backoff = new Backoff(() => random);
  assertEquals(backoff.next(), 75);
  random = 0.999;
  assertEquals(Math.round(backoff.next()), 100);
});

Deno.test("Backoff.reset() begins anew", () => {
  const backoff = new Backoff(() => 0);
  backoff.next();
  backoff.next();
  backoff.reset();
  assertEquals(backoff.next(), 100);
});
