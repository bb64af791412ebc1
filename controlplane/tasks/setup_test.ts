// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "./run_task.ts";
import { parsePurposes } from "./setup.ts";

Deno.test("parsePurposes() means all purposes when none is named", () => {
  assertEquals(parsePurposes([]), ["build", "start", "demo", "test"]);
  assertEquals(parsePurposes(["demo"]), ["demo"]);
});

Deno.test("parsePurposes() refuses what is no purpose and lists those that are", () => {
  assertThrows(() => parsePurposes(["fly"]), UsageError, "build|start|demo|test");
});
