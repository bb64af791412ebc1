// SPDX-License-Identifier: Apache-2.0

// The control plane as a command; `--help` lists what it takes.
//
// Permissions it needs, and no more:
//   --allow-read=DIR,FILE…     the manifests or the kubeconfig with its certificates; the eBPF object; proto/
//   --allow-write=DIR          with --manifests: the folder of the status file
//   --allow-net=unix:PATH      the loader; with an API server its host:port too
//   --allow-env, --allow-sys   what @grpc/grpc-js and @kubernetes/client-node ask for by name; see permissions.ts

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
    config = parseCommandLine(args);
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
