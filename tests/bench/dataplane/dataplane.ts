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
import { describeMachine, type Machine, thisMachine } from "./machine.ts";
import { measurePaths, type PathCost } from "./path_costs.ts";
import { drawPicture } from "./picture.ts";
import { type Figure, type Sample, summarize } from "./summary.ts";
import { align, formatFigures } from "./table.ts";

/** What comparing these takes. */
export function benchRequirements(contenders: readonly Contender[]): Requirement[] {
  return [
    ...demoRequirements,
    programs([{ program: "iperf3", package: "iperf3" }]),
    ...contenders.flatMap(({ requirements }) => requirements),
  ];
}

/** What --json writes. */
interface Report {
  readonly machine: Machine;
  /** ISO 8601. */
  readonly date: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  readonly paths: readonly PathCost[];
}

async function bench(options: BenchOptions): Promise<void> {
  const { contenders, services, rounds, seconds, json, svg } = options;
  requireRoot("bench dataplane");
  await ensure(benchRequirements(contenders));
  await buildAll();
  await step("building the measuring program", buildLoadProgram);
  const machine = await thisMachine();
  const print = json === "" ? () => {} : (...lines: string[]) => console.log(lines.join("\n"));
  print(describeMachine(machine));
  const paths = options.paths ? await step("timing the program's paths", measurePaths) : [];
  const samples: Sample[] = [];
  const baseline = contenders.find(({ name }) => name === BASELINE)!;
  for (const count of services) {
    samples.push(...await compare({ contenders, services: count, rounds, seconds }, step));
    print("", ...formatFigures(summarize(samples, BASELINE), count, contenders, baseline));
  }
  const missing = contenders.flatMap(({ noUdp }) => noUdp ?? []);
  print("", ...missing, ...formatPathCosts(paths));
  const figures = summarize(samples, BASELINE);
  const report: Report = { machine, date: new Date().toISOString(), rounds, seconds, figures, paths };
  if (json === "") console.log(JSON.stringify(report));
  else if (json !== undefined) await Deno.writeTextFile(json, JSON.stringify(report, null, 1) + "\n");
  if (svg === undefined) return;
  const note = `${describeMachine(machine)}; median of ${rounds} rounds of ${seconds} s`;
  const shown = contenders.filter(({ client }) => client === undefined);
  await Deno.writeTextFile(svg, drawPicture({ figures, contenders: shown, services, note }));
}

/** The program's paths as lines of a table. */
function formatPathCosts(costs: readonly PathCost[]): string[] {
  if (costs.length === 0) return [];
  const rows = costs.map(({ path, nanoseconds }) => [path, `${nanoseconds} ns`]);
  return ["", ...align([["the program alone (BPF_PROG_TEST_RUN)", "a packet"], ...rows])];
}

/** Runs it as the command line asks. */
export async function benchDataplane(args: readonly string[], folder: string): Promise<void> {
  if (args.includes("--help")) return console.log(USAGE);
  await bench(parseBenchOptions(args, folder));
}
