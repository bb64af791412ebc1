// SPDX-License-Identifier: Apache-2.0

/** How many tests ended how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Not run because the machine lacks something. */
  readonly skipped: number;
}

export const NO_TESTS: Counts = { passed: 0, failed: 0, skipped: 0 };

/** Finds the counts in what a test program wrote and its exit code; undefined where it came to no count. */
export type Counter = (output: string, code: number) => Counts | undefined;

/** Adds up. */
export function sum(all: Iterable<Counts>): Counts {
  let { passed, failed, skipped } = NO_TESTS;
  for (const counts of all) {
    passed += counts.passed;
    failed += counts.failed;
    skipped += counts.skipped;
  }
  return { passed, failed, skipped };
}

/** The plain line for people and for machines: `3 passed, 0 failed`, and `, 1 skipped` where there is one. */
export function plainLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** The last plain line. */
export const countPlain: Counter = (output) => {
  const match = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  return match && counts(match[1], match[2], match[3]);
};

/** The summary of `deno test`; an ignored test is a skipped one. */
export const countDenoTest: Counter = (output) => {
  const pattern =
    /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/gm;
  const match = [...output.matchAll(pattern)].at(-1);
  return match && counts(match[1], match[2], match[3]);
};

/** The summaries of `cargo test`, one for each test program. */
export const countCargoTest: Counter = (output) => {
  const pattern = /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/gm;
  const matches = [...output.matchAll(pattern)];
  return matches.length === 0 ? undefined : sum(matches.map((match) => counts(match[1], match[2], match[3])));
};

/** `cargo test` where another suite runs the ignored tests. */
export const countCargoTestUnignored: Counter = (output, code) => {
  const all = countCargoTest(output, code);
  return all && { ...all, skipped: 0 };
};

/** The tests of `go test -v`, without parts of tests. */
export const countGoTest: Counter = (output) => {
  const ends = [...output.matchAll(/^--- (PASS|FAIL|SKIP): /gm)].map(([, end]) => end);
  const count = (wanted: string): number => ends.filter((end) => end === wanted).length;
  return ends.length === 0
    ? undefined
    : { passed: count("PASS"), failed: count("FAIL"), skipped: count("SKIP") };
};

/** A check that either holds or does not, as its exit code says. */
export const countCheck: Counter = (_output, code) => ({
  ...NO_TESTS,
  [code === 0 ? "passed" : "failed"]: 1,
});

function counts(passed?: string, failed?: string, skipped?: string): Counts {
  return { passed: Number(passed ?? 0), failed: Number(failed ?? 0), skipped: Number(skipped ?? 0) };
}

/**
 * What a suite counts for. A program that failed has failed once even if no
 * test says so, and one that ran nothing has failed too, for a suite without
 * tests shows nothing.
 */
export function judge(code: number, counted: Counts | undefined): Counts {
  const found = counted ?? NO_TESTS;
  if (code !== 0 && found.failed === 0) return { ...found, failed: 1 };
  const ran = found.passed + found.failed + found.skipped;
  return ran === 0 ? { ...found, failed: 1 } : found;
}
