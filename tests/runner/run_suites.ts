// SPDX-License-Identifier: Apache-2.0

import { run } from "../../controlplane/tasks/command.ts";
import { type Counts, judge, plainLine } from "./counts.ts";
import type { Kind, Suite } from "./suite.ts";

/** What came of a suite. */
export interface SuiteResult extends Counts {
  readonly name: string;
  /** Wall time. */
  readonly seconds: number;
  /** Both outputs of its command. */
  readonly log: string;
}

/** How to run suites. */
export interface RunOptions {
  /** True when the user may change the kernel; suites that need that are skipped otherwise. */
  readonly root: boolean;
  /** Folder of the repository, from which all commands run. */
  readonly folder: string;
  /** Folder of the logs. */
  readonly logs: string;
  /** Milliseconds that one suite may take. */
  readonly patience: number;
  /** Text for people. */
  readonly write: (text: string) => void;
  /** Ends the suite that runs and starts no other. */
  readonly signal: AbortSignal;
}

/** Suites that run at the same time: they wait for more than half of their time, so three fill two cores. */
const LANES = 3;

/**
 * Runs suites, a few beside each other: whichever ends makes room for the first that may run beside the others, as
 * its kind says. Each gets a line when it ends; what a failed one wrote follows its line.
 */
export async function runSuites(suites: readonly Suite[], options: RunOptions): Promise<SuiteResult[]> {
  const results: SuiteResult[] = [];
  const width = Math.max(...suites.map(({ name }) => name.length));
  const finish = async (suite: Suite): Promise<void> => {
    if (options.signal.aborted) return;
    const result = await runSuite(suite, options);
    const skipped = suite.root && !options.root ? " (needs root)" : "";
    const counts = `${plainLine(result)}${skipped}, ${result.seconds.toFixed(1)} s`;
    const log = result.failed > 0 ? `${await readLog(result.log)}\n` : "";
    options.write(`${suite.name.padEnd(width)}  ${counts}\n${log}`);
    results.push(result);
  };
  const waiting = [...suites];
  const running = new Set<Kind>();
  const next = (): Suite | undefined => {
    const index = waiting.findIndex(({ kind }) => kind === "traffic" || !running.has(kind));
    return index < 0 ? undefined : waiting.splice(index, 1)[0];
  };
  // A lane that finds nothing is done: what still waits is for those in which the suites of its kind run.
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let suite = next(); suite !== undefined; suite = next()) {
      running.add(suite.kind);
      await finish(suite);
      running.delete(suite.kind);
    }
  }));
  return results;
}

async function runSuite(suite: Suite, options: RunOptions): Promise<SuiteResult> {
  const log = `${options.logs}/test-${suite.name}.log`;
  const base = { name: suite.name, log };
  if (suite.root && !options.root) return { ...base, passed: 0, failed: 0, skipped: 1, seconds: 0 };
  const start = performance.now();
  const counts = await run(suite.command, {
    cwd: options.folder,
    log,
    signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.patience)]),
    ...(suite.env === undefined ? {} : { env: suite.env }),
  }).then(
    ({ code, output }) => judge(code, suite.counter(output, code)),
    async (error) => {
      await Deno.mkdir(options.logs, { recursive: true });
      await Deno.writeTextFile(log, String(error instanceof Error ? error.message : error));
      return judge(1, undefined);
    },
  );
  return { ...base, ...counts, seconds: (performance.now() - start) / 1000 };
}

async function readLog(path: string): Promise<string> {
  return (await Deno.readTextFile(path).catch(() => "")).trimEnd();
}
