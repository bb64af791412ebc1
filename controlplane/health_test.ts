// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { answerHealth } from "./health.ts";

const answer = (path: string, isReady: boolean): number | undefined =>
  answerHealth(path, { isReady })?.status;

Deno.test("answerHealth() is alive at once, and ready once the kernel has what was read", () => {
  assertEquals([answer("/livez", false), answer("/livez", true)], [200, 200]);
  assertEquals([answer("/readyz", false), answer("/readyz", true)], [503, 200]);
});

Deno.test("answerHealth() leaves other paths to others", () => {
  assertEquals([answer("/metrics", true), answer("/", true)], [undefined, undefined]);
});
