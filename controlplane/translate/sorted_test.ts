// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { Sorted } from "./sorted.ts";

Deno.test("Sorted lists values in the order of their keys", () => {
  const sorted = new Sorted<string>();
  sorted.set("b", "second");
  sorted.set("a", "first");
  assertEquals(sorted.list(), ["first", "second"]);
});

Deno.test("Sorted gives the same list while nothing changes", () => {
  const sorted = new Sorted<{ n: number }>();
  sorted.set("a", { n: 1 });
  const list = sorted.list();
  sorted.set("a", { n: 1 });
  sorted.delete("gone");
  assertStrictEquals(sorted.list(), list);
});

Deno.test("Sorted never changes a list that it gave out", () => {
  const sorted = new Sorted<{ n: number }>();
  sorted.set("a", { n: 1 });
  sorted.set("b", { n: 2 });
  const before = sorted.list();
  sorted.set("a", { n: 3 });
  assertEquals(sorted.list(), [{ n: 3 }, { n: 2 }]);
  assertEquals(before, [{ n: 1 }, { n: 2 }]);
  assertStrictEquals(sorted.list()[1], before[1]);
});

Deno.test("Sorted answers what a plain map, sorted, does", () => {
  const step = fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.option(fc.nat(2)), fc.boolean());
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const sorted = new Sorted<{ n: number }>();
    const plain = new Map<string, { n: number }>();
    for (const [key, n, look] of steps) {
      if (n === null) {
        sorted.delete(key);
        plain.delete(key);
      } else {
        sorted.set(key, { n });
        plain.set(key, { n });
      }
      if (look) {
        assertEquals(
          sorted.list(),
          [...plain].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value),
        );
      }
    }
  }));
});
