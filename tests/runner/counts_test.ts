// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import {
  countCargoTest,
  countCargoTestUnignored,
  countCheck,
  countDenoTest,
  countGoTest,
  countPlain,
  judge,
  plainLine,
  sum,
} from "./counts.ts";

const counts = (passed: number, failed: number, skipped = 0) => ({ passed, failed, skipped });

Deno.test("countDenoTest() reads the summary with and without steps, ignored and failed tests", () => {
  const cases: [string, ReturnType<typeof counts>][] = [
    ["ok | 66 passed | 0 failed (7s)", counts(66, 0)],
    ["ok | 3 passed (4 steps) | 0 failed | 2 ignored (31ms)", counts(3, 0, 2)],
    ["FAILED | 12 passed (1 step) | 1 failed (3 steps) | 1 ignored | 2 filtered out (2s)", counts(12, 1, 1)],
  ];
  for (const [line, expected] of cases) {
    assertEquals(countDenoTest(`some test ... ok\n\n${line}\n`, 0), expected, line);
  }
});

Deno.test("countDenoTest() finds no count where the tests did not compile, or only speak of passing", () => {
  assertEquals(countDenoTest("error: Type checking failed.\n", 0), undefined);
  assertEquals(countDenoTest("  ok | 3 passed | 0 failed\n", 0), undefined);
});

const cargoOutput = `
running 3 tests
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
running 2 tests
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
`;

Deno.test("countCargoTest() adds up the test programs of a workspace", () => {
  assertEquals(countCargoTest(cargoOutput, 0), counts(3, 1, 1));
  assertEquals(countCargoTest("error: could not compile", 0), undefined);
});

Deno.test("countCargoTestUnignored() leaves ignored tests to the suite that runs them", () => {
  assertEquals(countCargoTestUnignored(cargoOutput, 0), counts(3, 1, 0));
  assertEquals(countCargoTestUnignored("", 0), undefined);
});

Deno.test("countPlain() reads back what plainLine() writes, the last one of them", () => {
  for (const expected of [counts(4, 0), counts(0, 2), counts(1, 2, 3)]) {
    assertEquals(countPlain(`1 passed, 9 failed\n${plainLine(expected)}\n`, 0), expected);
  }
  assertEquals(countPlain("all 3 passed, 0 failed so far", 0), undefined);
});

Deno.test("plainLine() mentions skipped tests only where there are some", () => {
  assertEquals(plainLine(counts(5, 0)), "5 passed, 0 failed");
  assertEquals(plainLine(counts(5, 0, 1)), "5 passed, 0 failed, 1 skipped");
});

Deno.test("sum() of nothing is nothing", () => {
  assertEquals(sum([]), counts(0, 0));
  assertEquals(sum([counts(1, 2, 3), counts(10, 20, 30)]), counts(11, 22, 33));
});

Deno.test("judge() believes a count only as far as the exit code agrees", () => {
  assertEquals(judge(0, counts(5, 0, 1)), counts(5, 0, 1));
  assertEquals(judge(1, counts(5, 2)), counts(5, 2));
  assertEquals(judge(1, counts(5, 0)), counts(5, 1));
  assertEquals(judge(1, undefined), counts(0, 1));
});

Deno.test("countCheck() is one test, whose outcome is the exit code", () => {
  assertEquals(countCheck("", 0), counts(1, 0));
  assertEquals(countCheck("Found 1 problem", 2), counts(0, 1));
});

Deno.test("judge() calls it a failure when nothing ran", () => {
  assertEquals(judge(0, counts(0, 0)), counts(0, 1));
  assertEquals(judge(0, undefined), counts(0, 1));
  assertEquals(judge(0, counts(0, 0, 2)), counts(0, 0, 2));
});

Deno.test("countGoTest() counts tests, not their parts, of every package", () => {
  const output = [
    "=== RUN   TestOne",
    "--- PASS: TestOne (0.00s)",
    "    --- PASS: TestOne/part (0.00s)",
    "ok  \tblixt.test/conformance/layer4\t0.2s",
    "--- FAIL: TestTwo (0.00s)",
    "--- SKIP: TestThree (0.00s)",
    "FAIL\tblixt.test/conformance/fabric\t0.1s",
  ].join("\n");
  assertEquals(countGoTest(output, 1), { passed: 1, failed: 1, skipped: 1 });
  assertEquals(countGoTest("no Go files\n", 1), undefined);
});
