// SPDX-License-Identifier: Apache-2.0

/** How a test of the suite ended. */
export type Outcome = "PASS" | "FAIL" | "SKIP";

/** One test of the suite. */
export interface TestResult {
  readonly name: string;
  readonly outcome: Outcome;
  readonly seconds: number;
}

/**
 * Reads one line of `go test -v`; undefined unless it is the end of a test of
 * the suite, which is neither the suite as a whole nor a part of a test.
 */
export function parseResult(line: string): TestResult | undefined {
  const match = /^\s*--- (PASS|FAIL|SKIP): \w+\/([^/\s]+) \(([\d.]+)s\)$/.exec(line);
  if (match === null) return undefined;
  return { outcome: match[1] as Outcome, name: match[2]!, seconds: Number(match[3]) };
}

/** Why the suite skipped tests that are in no profile of ours; such tests are not worth a line. */
const UNSUPPORTED = /Skipping (\S+): suite does not support /;

/** The name of a test that the suite leaves out because it is about a feature that is not claimed. */
export function parseUnsupported(line: string): string | undefined {
  return UNSUPPORTED.exec(line)?.[1];
}

/** The last line of a run. */
export function plainLine(results: readonly TestResult[]): string {
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  return `${count("PASS")} passed, ${count("FAIL")} failed, ${count("SKIP")} skipped`;
}
