// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Figure } from "./summary.ts";
import { align, formatFigures } from "./table.ts";

const one = { median: 1, min: 1, max: 1 };
const routing = { name: "routing", title: "plain routing" };

Deno.test("formatFigures() shows what was measured, in columns, and a dash for what cannot be", () => {
  const figures: Figure[] = [
    { contender: "routing", services: 1, metric: "throughput1", median: 20, min: 19, max: 21, times: one },
    { contender: "routing", services: 1, metric: "datagrams", median: 400, min: 400, max: 400, times: one },
    {
      contender: "haproxy",
      services: 1,
      metric: "throughput1",
      median: 10,
      min: 10,
      max: 10,
      times: { median: 0.5, min: 0.4, max: 0.6 },
    },
    { contender: "haproxy", services: 1_000, metric: "throughput1", median: 9, min: 9, max: 9 },
  ];
  assertEquals(formatFigures(figures, 1, [{ name: "haproxy", title: "HAProxy TCP" }, routing], routing), [
    "1 service      1 stream Gbit/s  UDP kpacket/s",
    "HAProxy TCP           10.0 ±0%              -",
    "plain routing         20.0 ±5%        400 ±0%",
    "",
    "against plain routing         1 stream  UDP",
    "HAProxy TCP            ×0.50 0.40–0.60    -",
  ]);
});

Deno.test("align() pads to the widest cell of a column", () => {
  assertEquals(align([["a", "b"], ["long", "7"], ["c", "1000"]]), ["a        b", "long     7", "c     1000"]);
});
