// SPDX-License-Identifier: Apache-2.0

/**
 * `deno task bench dataplane`: Blixt, plain routing, netfilter and proxies on one machine, in one run.
 */

import { buildAll } from "../../../controlplane/tasks/build.ts";
import { step } from "../../../controlplane/tasks/progress.ts";
import { ensure, type Requirement } from "../../../controlplane/tasks/requirement.ts";
import { demoRequirements, programs } from "../../../controlplane/tasks/requirements.ts";
import { requireRoot } from "../../../controlplane/tasks/run_task.ts";
import { compare } from "./compare.ts";
import type { Contender } from "./contender.ts";
import { BASELINE } from "./contenders.ts";
import { buildLoadProgram } from "./load_program.ts";
import { type BenchOptions, parseBenchOptions, USAGE } from "./options.ts";
import { type Sample, summarize } from "./summary.ts";
import { formatFigures } from "./table.ts";

/** What comparing these takes. */
export function benchRequirements(contenders: readonly Contender[]): Requirement[] {
  return [
    ...demoRequirements,
    programs([{ program: "iperf3", package: "iperf3" }]),
    ...contenders.flatMap(({ requirements }) => requirements),
  ];
}

async function bench(options: BenchOptions): Promise<void> {
  const { contenders, services, rounds, seconds } = options;
  requireRoot("bench dataplane");
  await ensure(benchRequirements(contenders));
  await buildAll();
  await step("building the measuring program", buildLoadProgram);
  const samples: Sample[] = [];
  const baseline = contenders.find(({ name }) => name === BASELINE)!;
  for (const count of services) {
    samples.push(...await compare({ contenders, services: count, rounds, seconds }, step));
    console.log(`\n${formatFigures(summarize(samples, BASELINE), count, contenders, baseline).join("\n")}`);
  }
}

/** Runs it as the command line asks. */
export async function benchDataplane(args: readonly string[], folder: string): Promise<void> {
  if (args.includes("--help")) return console.log(USAGE);
  await bench(parseBenchOptions(args, folder));
}
