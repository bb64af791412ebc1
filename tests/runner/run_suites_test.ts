// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import { countPlain } from "./counts.ts";
import { type RunOptions, runSuites, type SuiteResult } from "./run_suites.ts";
import type { Kind, Suite } from "./suite.ts";

const suite = (name: string, script: string, root = false): Suite => ({
  name,
  command: ["sh", "-c", script],
  counter: countPlain,
  root,
  kind: "computes",
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
      patience: 60_000,
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

/** A suite that ends once a file is there, and leaves one itself when it begins. */
function meets(name: string, other: string, kind: Kind): Suite {
  const wait = `touch ${name}; until test -e ${other}; do sleep 0.01; done; echo 1 passed, 0 failed`;
  return { ...suite(name, wait), kind };
}

/** A suite that fails when another one has begun and not ended. */
function alone(name: string, kind: Kind): Suite {
  return { ...suite(name, `mkdir ${kind} && sleep 0.1 && rmdir ${kind} && echo 1 passed, 0 failed`), kind };
}

Deno.test("runSuites() runs suites of different kinds beside each other, and those of traffic", async () => {
  const [kinds] = await runIn([meets("one", "two", "computes"), meets("two", "one", "cluster")]);
  assertEquals(kinds.map(({ failed }) => failed), [0, 0]);
  const [traffic] = await runIn([meets("one", "two", "traffic"), meets("two", "one", "traffic")]);
  assertEquals(traffic.map(({ failed }) => failed), [0, 0]);
});

for (const kind of ["computes", "cluster"] as const) {
  Deno.test(`runSuites() runs suites of the kind "${kind}" one at a time, in order`, async () => {
    const [results] = await runIn(["first", "second", "third"].map((name) => alone(name, kind)));
    assertEquals(results.map(({ name, failed }) => [name, failed]), [["first", 0], ["second", 0], [
      "third",
      0,
    ]]);
  });
}

Deno.test("runSuites() runs three suites at a time, and a further one when the first of them ends", async () => {
  const last = suite("last", "touch last; echo 1 passed, 0 failed");
  const waiting = ["one", "two"].map((name) => meets(name, "last", "traffic"));
  const [results] = await runIn([
    ...waiting,
    { ...suite("three", "test ! -e last && echo 1 passed, 0 failed"), kind: "traffic" },
    { ...last, kind: "traffic" },
  ]);
  assertEquals(results.map(({ failed }) => failed), [0, 0, 0, 0]);
  assertEquals(results[0]?.name, "three");
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
