// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { inTurn } from "./compare.ts";

Deno.test("inTurn() begins with another one in every round and leaves none out", () => {
  assertEquals([0, 1, 2, 3].map((round) => inTurn(["a", "b", "c"], round).join("")), [
    "abc",
    "bca",
    "cab",
    "abc",
  ]);
  assertEquals(inTurn([], 3), []);
});
