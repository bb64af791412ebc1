// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import { countPlain } from "./counts.ts";
import { type RunOptions, runSuites, type SuiteResult } from "./run_suites.ts";
import type { Suite } from "./suite.ts";

const suite = (name: string, script: string, root = false): Suite => ({
  name,
  command: ["sh", "-c", script],
  counter: countPlain,
  root,
  row: "computes",
});

async function runIn(
  suites: readonly Suite[],
  options: Partial<RunOptions> = {},
): Promise<[SuiteResult[], string]> {
  const folder = await Deno.makeTempDir();
  let written = "";
  try {
    const results = await runSuites(suites, {
      root: true,
      folder,
      logs: `${folder}/logs`,
      patience: 10_000,
      write: (text) => written += text,
      signal: new AbortController().signal,
      ...options,
    });
    return [results, written.replaceAll(/\d+\.\d s/g, "N s")];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runSuites() gives each suite a line with its counts", async () => {
  const [results, written] = await runIn([
    suite("first", "echo 3 passed, 0 failed"),
    suite("second", "echo 1 passed, 0 failed, 2 skipped"),
  ]);
  assertEquals(results.map(({ name, passed, skipped }) => [name, passed, skipped]), [["first", 3, 0], [
    "second",
    1,
    2,
  ]]);
  assertEquals(written, "first   3 passed, 0 failed, N s\nsecond  1 passed, 0 failed, 2 skipped, N s\n");
});

Deno.test("runSuites() prints what a failed suite wrote and goes on with the next", async () => {
  const [results, written] = await runIn([
    suite("bad", "echo oh dear; echo 1 passed, 1 failed; exit 1"),
    suite("good", "echo 1 passed, 0 failed"),
  ]);
  assertEquals(results.map(({ failed }) => failed), [1, 0]);
  assertStringIncludes(written, "oh dear");
  assertStringIncludes(written, "good  1 passed");
});

Deno.test("runSuites() runs rows beside each other, and the suites of a row one at a time", async () => {
  const waits = (name: string, script: string): Suite => ({ ...suite(name, script), row: "cluster" });
  const [results] = await runIn([
    waits("slow", "sleep 0.3; echo 1 passed, 0 failed"),
    waits("after-slow", "echo 1 passed, 0 failed"),
    suite("quick", "echo 1 passed, 0 failed"),
  ]);
  assertEquals(results.map(({ name }) => name), ["quick", "slow", "after-slow"]);
});

Deno.test("runSuites() skips what needs root and says so", async () => {
  const [results, written] = await runIn([suite("kernel", "echo 1 passed, 0 failed", true)], { root: false });
  assertEquals(results.map(({ passed, failed, skipped }) => ({ passed, failed, skipped })), [
    { passed: 0, failed: 0, skipped: 1 },
  ]);
  assertStringIncludes(written, "(needs root)");
});

Deno.test("runSuites() ends a suite that takes too long and counts it as failed", async () => {
  const [results] = await runIn([suite("slow", "exec sleep 30")], { patience: 200 });
  assertEquals(results[0]?.failed, 1);
});

Deno.test("runSuites() starts no suite after an interruption", async () => {
  const [results] = await runIn([suite("late", "echo 1 passed, 0 failed")], { signal: AbortSignal.abort() });
  assertEquals(results, []);
});

Deno.test("runSuites() counts a suite whose program is missing as failed", async () => {
  const [results, written] = await runIn([{ ...suite("gone", ""), command: ["no-such-program"] }]);
  assertEquals(results[0]?.failed, 1);
  assertStringIncludes(written, "no-such-program is not installed");
});
