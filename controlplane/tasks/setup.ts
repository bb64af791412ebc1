// SPDX-License-Identifier: Apache-2.0

import { testRequirements } from "../../tests/requirements.ts";
import { ensure, type Requirement } from "./requirement.ts";
import { buildRequirements, demoRequirements, startRequirements } from "./requirements.ts";
import { runTask, UsageError } from "./run_task.ts";

const requirements = {
  build: buildRequirements,
  start: startRequirements,
  demo: demoRequirements,
  test: testRequirements,
} satisfies Record<string, readonly Requirement[]>;

/** What somebody sets the machine up for. */
export type Purpose = keyof typeof requirements;

const purposes = Object.keys(requirements) as Purpose[];

const USAGE = `deno task setup [${purposes.join("|")}]…

Installs what the purposes need and the machine lacks; all of them by default.
Programs go to $BLIXT_CACHE (~/.cache/blixt), Debian packages where apt puts them.`;

/** The purposes that the command line names. Throws UsageError. */
export function parsePurposes(args: readonly string[]): Purpose[] {
  const unknown = args.find((name) => !(purposes as string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`${unknown} is no purpose\n\n${USAGE}`);
  return args.length === 0 ? purposes : args as Purpose[];
}

if (import.meta.main) {
  await runTask(async () => {
    if (Deno.args.includes("--help")) return console.log(USAGE);
    const wanted = parsePurposes(Deno.args);
    await ensure([...new Set(wanted.flatMap((purpose) => requirements[purpose]))]);
    console.log(`everything is here for: ${wanted.join(", ")}`);
  });
}
