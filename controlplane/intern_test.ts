// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { Interner } from "./intern.ts";

Deno.test("Interner.get() gives one value for a text, and another for another", () => {
  const interner = new Interner<{ readonly text: string }>();
  const get = (text: string): { readonly text: string } => interner.get(text, () => ({ text }));
  const first = get("a");
  assertStrictEquals(get("a"), first);
  assertEquals(get("b"), { text: "b" });
});

Deno.test("Interner forgets when there are many, and still gives the right value", () => {
  const interner = new Interner<{ readonly text: string }>();
  const get = (text: string): { readonly text: string } => interner.get(text, () => ({ text }));
  const first = get("0");
  for (let i = 1; i < 10_000; i++) assertEquals(get(String(i)), { text: String(i) });
  assertNotStrictEquals(get("0"), first);
  assertEquals(get("0"), first);
});
