// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type Aged, compareText, sortByAge } from "./age.ts";

function names(...objects: readonly Aged[]): string[] {
  return sortByAge(objects, (object) => object).map(({ name }) => name);
}

Deno.test("sortByAge() puts the oldest first", () => {
  assertEquals(
    names(
      { name: "young", creationTimestamp: "2026-01-02T00:00:00Z" },
      { name: "old", creationTimestamp: "2026-01-01T00:00:00Z" },
    ),
    ["old", "young"],
  );
});

Deno.test("sortByAge() compares moments, not texts", () => {
  assertEquals(
    names(
      { name: "late", creationTimestamp: "2026-01-01T00:30:00Z" },
      { name: "early", creationTimestamp: "2026-01-01T01:00:00+01:00" },
    ),
    ["early", "late"],
  );
});

Deno.test("sortByAge() puts an object without a timestamp last", () => {
  assertEquals(
    names({ name: "none" }, { name: "bad", creationTimestamp: "soon" }, {
      name: "z",
      creationTimestamp: "2026-01-01T00:00:00Z",
    }),
    ["z", "bad", "none"],
  );
});

Deno.test("sortByAge() goes by namespace/name between objects of one age", () => {
  assertEquals(
    names(
      { name: "c", namespace: "a-b" },
      { name: "b", namespace: "a" },
      { name: "a", namespace: "a" },
    ),
    // "a-b/c" comes before "a/a", for "-" comes before "/".
    ["c", "a", "b"],
  );
});

Deno.test("sortByAge() leaves its argument as it was", () => {
  const items = [{ name: "b" }, { name: "a" }];
  sortByAge(items, (item) => item);
  assertEquals(items.map(({ name }) => name), ["b", "a"]);
});

Deno.test("compareText() goes by code unit, not by locale", () => {
  assertEquals(["b", "B", "ä", "a"].sort(compareText), ["B", "a", "b", "ä"]);
});
