// SPDX-License-Identifier: Apache-2.0

// `deno task show`: what the kernel serves now, and how much of it. Reads through the loader, changes nothing.

import { parseArgs } from "@std/cli/parse-args";
import { checkLayout } from "./dataplane/layout.ts";
import { readObject } from "./dataplane/object.ts";
import { formatState, stateToJson } from "./dataplane/show.ts";
import { readState } from "./dataplane/state.ts";
import { LoaderClient } from "./loader/client.ts";
import { CODE, LoaderError } from "./loader/error.ts";
import { paths } from "./tasks/paths.ts";
import { presentNetns, runPaths } from "./tasks/run_paths.ts";

const USAGE = `Usage: deno task show [--json] [--loader unix:PATH] [--object FILE]

Shows the services that the kernel serves, their backends and counters, and the packets dropped by reason.

  --json              print JSON
  --loader unix:PATH  the loader's socket (default: that of the present network namespace)
  --object FILE       the eBPF object that is loaded (default: the one that deno task build makes)
`;

/** Milliseconds for all of it. */
const PATIENCE = 30_000;

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

/** What parseArgs() makes of the options; the package comes without types. */
interface Flags {
  readonly loader?: string;
  readonly object?: string;
  readonly json: boolean;
  readonly help: boolean;
}

async function show(args: readonly string[]): Promise<number> {
  let unknown: string | undefined;
  const flags: Flags = parseArgs([...args], {
    string: ["loader", "object"],
    boolean: ["json", "help"],
    unknown: (argument: string) => {
      unknown ??= argument;
      return false;
    },
  });
  if (unknown !== undefined) {
    console.error(`Unknown argument ${unknown}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const layout = checkLayout(readObject(await Deno.readFile(flags.object ?? paths.kernelObject)));
  const client = new LoaderClient(flags.loader ?? `unix:${runPaths(presentNetns()).socket}`);
  try {
    const state = await readState(client, layout, AbortSignal.timeout(PATIENCE));
    const colour = Deno.stdout.isTerminal() && Deno.env.get("NO_COLOR") === undefined;
    const text = flags.json ? stateToJson(state) : formatState(state, { colour });
    await Deno.stdout.write(new TextEncoder().encode(text));
    return 0;
  } finally {
    client.close();
  }
}

/** What a user can do about an error. */
function explain(error: unknown): string {
  if (error instanceof LoaderError && error.code === CODE.UNAVAILABLE) {
    return `No loader answers here; start Blixt with deno task start, or name its socket with --loader (${error.message})`;
  }
  if (error instanceof Deno.errors.NotFound) {
    return `The eBPF object is not there; run deno task build, or name it with --object (${error.message})`;
  }
  return error instanceof Error ? error.message : String(error);
}

if (import.meta.main) {
  const code = await show(Deno.args).catch((error) => {
    console.error(explain(error));
    return 1;
  });
  Deno.exit(code);
}
