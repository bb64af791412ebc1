// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { formatSpread, spreadOf, threeDigits } from "./spread.ts";

Deno.test("spreadOf() takes the middle, whatever the order", () => {
  assertEquals(spreadOf([30, 10, 20]), { median: 20, min: 10, max: 30 });
  assertEquals(spreadOf([4, 1, 2, 10]), { median: 3, min: 1, max: 10 });
  assertEquals(spreadOf([7]), { median: 7, min: 7, max: 7 });
  assertThrows(() => spreadOf([]), Error, "no value");
});

Deno.test("threeDigits() keeps the digits that count", () => {
  assertEquals([0.0512, 1.2345, 38.06, 512.4, 1240.2, 0].map(threeDigits), [
    "0.05",
    "1.23",
    "38.1",
    "512",
    "1240",
    "0.00",
  ]);
});

Deno.test("formatSpread() says how far the values are apart", () => {
  assertEquals(formatSpread({ median: 40, min: 38, max: 42 }), "40.0 ±5%");
  assertEquals(formatSpread({ median: 0, min: 0, max: 0 }), "0.00 ±0%");
});
