// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { summarize } from "../netns/traffic/report.ts";
import { judgeShares } from "./shares.ts";

function report(backends: Record<string, number>): ReturnType<typeof summarize> {
  return { ...summarize([]), backends };
}

Deno.test("judgeShares() allows a few points and says what it saw", () => {
  assertEquals(judgeShares(report({ b1: 45, b2: 55 }), { b1: 0.5, b2: 0.5 }), {
    holds: true,
    seen: "b1 45.0 %, b2 55.0 %",
  });
});

Deno.test("judgeShares() refuses shares that are off, missing or too many", () => {
  const holds = (backends: Record<string, number>, expected: Record<string, number>): boolean =>
    judgeShares(report(backends), expected).holds;
  assertEquals(holds({ b1: 40, b2: 60 }, { b1: 0.5, b2: 0.5 }), false);
  assertEquals(holds({ b1: 100 }, { b1: 0.9, b2: 0.1 }), false);
  assertEquals(holds({ b1: 999, b9: 1 }, { b1: 1 }), false);
  assertEquals(holds({ b1: 999, b2: 1 }, { b1: 1, b2: 0 }), false);
  assertEquals(holds({}, {}), false);
});
