// SPDX-License-Identifier: Apache-2.0

import { buildAll } from "../controlplane/tasks/build.ts";
import { paths } from "../controlplane/tasks/paths.ts";
import { ensure } from "../controlplane/tasks/requirement.ts";
import { buildRequirements } from "../controlplane/tasks/requirements.ts";
import { runTask, UsageError } from "../controlplane/tasks/run_task.ts";
import { testRequirements } from "./requirements.ts";
import { NO_TESTS, plainLine, sum } from "./runner/counts.ts";
import { runSuites, type SuiteResult } from "./runner/run_suites.ts";
import type { Suite } from "./runner/suite.ts";
import { suites } from "./runner/suites.ts";

const names = suites.map(({ name }) => name);

const USAGE = `deno task test [SUITE]… [--json]
deno task ok [--json]

Sets up and builds what is missing, then runs the suites, all of them by default, and ends with the line
"N passed, N failed". deno task ok runs those that need no root. Logs are in ${paths.logs}.

  --json    Print one JSON object with all counts instead; progress goes to standard error
  SUITE     ${names.join(", ")}`;

/** Milliseconds that one suite may take. */
const PATIENCE = 40 * 60_000;

/** What the command line asks for. */
export interface TestOptions {
  readonly suites: readonly Suite[];
  readonly json: boolean;
}

/** Throws UsageError. */
export function parseTestOptions(args: readonly string[]): TestOptions {
  const flags = args.filter((word) => word.startsWith("--"));
  const wanted = args.filter((word) => !word.startsWith("--"));
  const unknown = flags.find((flag) => !["--json", "--ok"].includes(flag)) ??
    wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`${unknown} is neither an option nor a suite\n\n${USAGE}`);
  const chosen = suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  return {
    suites: flags.includes("--ok") ? chosen.filter(({ root }) => !root) : chosen,
    json: flags.includes("--json"),
  };
}

/** Aborts on Ctrl-C and SIGTERM, so that the counts so far are still printed. */
function interrupted(): AbortSignal {
  const aborter = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => aborter.abort(new Error(`stopped by ${signal}`)));
  }
  return aborter.signal;
}

/** Brings the machine to where the suites can run. A failure is a result like others, so that the last line counts it. */
async function prepare(everything: boolean): Promise<SuiteResult | undefined> {
  const start = performance.now();
  try {
    await ensure(everything ? testRequirements : buildRequirements);
    if (everything) await buildAll();
    return undefined;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return {
      name: "set-up",
      ...NO_TESTS,
      failed: 1,
      seconds: (performance.now() - start) / 1000,
      log: paths.logs,
    };
  }
}

async function test(options: TestOptions): Promise<number> {
  const encoder = new TextEncoder();
  const stream = options.json ? Deno.stderr : Deno.stdout;
  const signal = interrupted();
  const root = Deno.uid() === 0;
  const results: SuiteResult[] = [];
  const setUp = await prepare(root && options.suites.some((suite) => suite.root));
  if (setUp !== undefined) {
    results.push(setUp);
  } else {
    const ran = await runSuites(options.suites, {
      root,
      folder: paths.repository,
      logs: paths.logs,
      patience: PATIENCE,
      write: (text) => void stream.writeSync(encoder.encode(text)),
      signal,
    });
    results.push(...ran);
  }
  const total = sum(results);
  console.log(options.json ? JSON.stringify({ ...total, suites: results }) : plainLine(total));
  return signal.aborted || total.failed > 0 || total.passed === 0 ? 1 : 0;
}

if (import.meta.main) {
  await runTask(async () => {
    if (Deno.args.includes("--help")) return console.log(USAGE);
    return await test(parseTestOptions(Deno.args));
  });
}
