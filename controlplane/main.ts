// SPDX-License-Identifier: Apache-2.0

// The control plane as a command; `--help` lists what it takes.
//
// Deno permissions it needs, and no more:
//
//   source          --allow-read                     --allow-write    --allow-net       --allow-env       --allow-run
//   --manifests     folder, object, proto/           status's folder  unix:SOCKET       permissions.ts    -
//                   and the status's folder
//   --kubeconfig    kubeconfig and the files it      -                unix:SOCKET and   all               the exec
//                   names, object, proto/                             the API server                      plugin, if any
//   --in-cluster    /var/run/secrets/kubernetes.io,  -                as above          permissions.ts    -
//                   object, proto/
//
// and their addresses for --allow-net with --health and --metrics.

import { parseCommandLine, USAGE, UsageError } from "./cli.ts";
import { outputToConsole } from "./output.ts";
import { start } from "./start.ts";

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

if (import.meta.main) Deno.exitCode = await main(Deno.args);

/** Runs the command to its end; returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  let config;
  try {
    config = parseCommandLine(args, (name) => Deno.env.get(name));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nTry --help`);
    return EXIT_USAGE;
  }
  if (config === "help") {
    console.log(USAGE);
    return 0;
  }

  const output = outputToConsole(config.json);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(new Error(`Stopped by ${signal}`)));
  }
  try {
    await start(config, output, stop.signal);
    return 0;
  } catch (error) {
    output.say({ type: "error", text: (error as Error).message });
    return 1;
  }
}
