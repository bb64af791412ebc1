// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hash32 } from "./hash.ts";

Deno.test("hash32() is an unsigned number that stays the same from release to release", () => {
  // Nodes of two releases must agree who has an address, and tables must not change with an upgrade.
  assertEquals([hash32(""), hash32("192.0.2.1 node-a"), hash32("a", 7)], [
    2_872_998_923,
    1_630_652_027,
    3_736_780_160,
  ]);
});

Deno.test("hash32() depends on the seed and on every character", () => {
  assertNotEquals(hash32("a"), hash32("a", 1));
  assertNotEquals(hash32("ab"), hash32("ba"));
});

Deno.test("hash32() spreads texts that differ in one digit", () => {
  const buckets = new Array<number>(8).fill(0);
  for (let i = 0; i < 8_000; i++) buckets[hash32(`10.0.0.${i}`) % 8]!++;
  assert(buckets.every((count) => count > 850 && count < 1_150), `${buckets}`);
});
