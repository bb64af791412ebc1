// SPDX-License-Identifier: Apache-2.0

/** `deno task bench scale`: what the control plane costs with many services, in time and memory. */

import { parseArgs } from "@std/cli/parse-args";
import { buildAll } from "../../../controlplane/tasks/build.ts";
import { step } from "../../../controlplane/tasks/progress.ts";
import { ensure } from "../../../controlplane/tasks/requirement.ts";
import { demoRequirements } from "../../../controlplane/tasks/requirements.ts";
import { requireRoot, UsageError } from "../../../controlplane/tasks/run_task.ts";
import { describeMachine, thisMachine } from "../dataplane/machine.ts";
import { align } from "../dataplane/table.ts";
import { measureScale, type ScaleFigures } from "./measure.ts";

const USAGE = `deno task bench scale [--services LIST] [--idle SECONDS] [--json]

Starts Blixt on one YAML file with so many services, each with a route, a Service and an EndpointSlice of two endpoints;
changes one endpoint five times; leaves it alone. As root; takes about 5 minutes.

  --services LIST    Numbers of services (default: 1,1000,10000)
  --idle SECONDS     How long nothing happens (default: 60)
  --json             Print JSON`;

/** Changes of each run. */
const CHANGES = 5;

/** Seconds after the start, a tenth of them after a change. */
const SETTLE = 15;

/** Runs it as the command line asks. */
export async function benchScale(args: readonly string[]): Promise<void> {
  if (args.includes("--help")) return console.log(USAGE);
  const { services, idle, json } = parseScaleOptions(args);
  requireRoot("bench scale");
  await ensure(demoRequirements);
  await buildAll();
  const figures: ScaleFigures[] = [];
  for (const count of services) {
    const measure = (): Promise<ScaleFigures> =>
      measureScale({ services: count, changes: CHANGES, idle, settle: SETTLE });
    figures.push(await step(`measuring ${count} services`, measure));
  }
  const machine = await thisMachine();
  if (json) console.log(JSON.stringify({ machine, figures }));
  else console.log([describeMachine(machine), "", ...formatScale(figures)].join("\n"));
}

/** What the command line asks for. Throws UsageError. */
export function parseScaleOptions(
  args: readonly string[],
): { readonly services: readonly number[]; readonly idle: number; readonly json: boolean } {
  const options: Record<string, unknown> = parseArgs([...args], {
    string: ["services", "idle"],
    boolean: ["json"],
    default: { services: "1,1000,10000", idle: "60" },
    unknown: (argument: string) => {
      throw new UsageError(`${argument} is not an option\n\n${USAGE}`);
    },
  });
  const services = String(options["services"]).split(",").map(Number);
  const idle = Number(options["idle"]);
  const isCount = (count: number): boolean => Number.isInteger(count) && count >= 1 && count <= 10_000;
  if (!services.every(isCount)) {
    throw new UsageError(`--services takes whole numbers from 1 to 10000\n\n${USAGE}`);
  }
  if (!(idle > 0)) throw new UsageError(`--idle takes a number above 0\n\n${USAGE}`);
  return { services, idle, json: options["json"] === true };
}

/** A line for each figure, a column for each number of services. */
export function formatScale(figures: readonly ScaleFigures[]): string[] {
  const row = (
    title: string,
    unit: string,
    value: (of: ScaleFigures) => number,
    digits: number,
  ): string[] => [
    `${title}, ${unit}`,
    ...figures.map((of) => value(of).toFixed(digits)),
  ];
  return align([
    ["services", ...figures.map(({ services }) => String(services))],
    row("start to ready", "s", ({ start }) => start, 1),
    row("  processor time of the control plane", "s", (of) => of.startControlPlane, 1),
    row("  processor time of the loader", "s", (of) => of.startLoader, 1),
    row("  most memory of the control plane", "MB", (of) => of.startMemory, 0),
    row("one endpoint changed", "ms", ({ change }) => change * 1_000, 0),
    row("  processor time", "ms", ({ changeCpu }) => changeCpu * 1_000, 0),
    row("a minute in which nothing happens, processor time", "ms", (of) => of.idleMinute * 1_000, 0),
    row("  memory of the control plane", "MB", (of) => of.idleMemory, 0),
  ]);
}
