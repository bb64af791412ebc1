// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { nameHash, shortName } from "./short_name.ts";

Deno.test("shortName() leaves a text that fits as it is", () => {
  assertEquals(shortName("web", 63), "web");
  assertEquals(shortName("a".repeat(63), 63), "a".repeat(63));
});

Deno.test("shortName() cuts a long text, and tells two with the same beginning apart", () => {
  const [one, two] = [`${"a".repeat(250)}-1`, `${"a".repeat(250)}-2`];
  assertEquals(shortName(one, 63).length, 63);
  assert(shortName(one, 63).startsWith("a".repeat(52)));
  assertNotEquals(shortName(one, 63), shortName(two, 63));
});

Deno.test("shortName() does not leave a separator before the hash", () => {
  const name = `${"a".repeat(50)}.-.${"b".repeat(50)}`;
  assertEquals(shortName(name, 63), `${"a".repeat(50)}-${nameHash(name)}`);
});
