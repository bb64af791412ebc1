// SPDX-License-Identifier: Apache-2.0

/** `deno task bench NAME`: measures a part. */

import { runTask, UsageError } from "../../controlplane/tasks/run_task.ts";
import { benchDataplane } from "./dataplane/dataplane.ts";
import { benchScale } from "./scale/scale.ts";

/** Every bench by its name; takes its own words and the folder in which the user stands. */
const BENCHES: Readonly<Record<string, (args: readonly string[], folder: string) => Promise<void>>> = {
  dataplane: benchDataplane,
  scale: benchScale,
};

const USAGE = `deno task bench NAME [OPTION]…

  NAME    ${Object.keys(BENCHES).join(", ")}; each has a --help`;

await runTask(async () => {
  const [name = "", ...args] = Deno.args;
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (bench !== undefined) return await bench(args, Deno.env.get("INIT_CWD") ?? Deno.cwd());
  if (name === "--help") return console.log(USAGE);
  throw new UsageError(name === "" ? USAGE : `there is no bench ${name}\n\n${USAGE}`);
});
