// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { equal } from "./equal.ts";

Deno.test("equal() takes JSON values with the same text for equal", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => equal(value, JSON.parse(JSON.stringify(value)))));
});

Deno.test("equal() is true exactly where the sorted texts are the same", () => {
  const sorted = (value: unknown): string =>
    JSON.stringify(
      value,
      (_, inner) =>
        typeof inner === "object" && inner !== null && !Array.isArray(inner)
          ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
          : inner,
    );
  const value = fc.jsonValue({ maxDepth: 2 });
  fc.assert(fc.property(value, value, (a, b) => equal(a, b) === (sorted(a) === sorted(b))));
});

Deno.test("equal() does not care for the order of keys, but for that of elements", () => {
  assertEquals(equal({ a: 1, b: 2 }, { b: 2, a: 1 }), true);
  assertEquals(equal([1, 2], [2, 1]), false);
});

Deno.test("equal() takes a key without a value for absent, and null for a value", () => {
  assertEquals(equal({ a: undefined }, {}), true);
  assertEquals(equal({}, { a: undefined }), true);
  assertEquals(equal({ a: null }, {}), false);
});

Deno.test("equal() keeps lists and mappings apart", () => {
  assertEquals(equal([], {}), false);
  assertEquals(equal({ 0: "a" }, ["a"]), false);
});
