// SPDX-License-Identifier: Apache-2.0

// The control plane for people who work on it; `deno task dev --help` says how.

import { type Config, LIMITS, UsageError } from "./cli.ts";
import { blixtObject } from "./dataplane/blixt_object.ts";
import { FIRST } from "./dataplane/order.ts";
import { describeDataplane } from "./describe.ts";
import { DEV_USAGE, type DevOptions, parseDevOptions } from "./dev_options.ts";
import { equal } from "./equal.ts";
import { FakeLoader } from "./loader/fake.ts";
import { outputToConsole } from "./output.ts";
import { start } from "./start.ts";
import type { DesiredDataplane } from "./translate/desired.ts";

if (import.meta.main) await dev();

async function dev(): Promise<void> {
  const output = outputToConsole(false);
  try {
    const options = parseDevOptions(
      Deno.args,
      Deno.env.get("INIT_CWD") ?? Deno.cwd(),
      (name) => Deno.env.get(name),
    );
    if (options === "help") return console.log(DEV_USAGE);
    const folder = await Deno.makeTempDir({ prefix: "blixt-dev-" });
    try {
      const config = await devConfig(options, folder);
      output.log(`Watching ${options.manifests ?? options.kubeconfig}, statuses as usual`);
      let shown: DesiredDataplane | undefined;
      await start(config, output, interrupted(), ({ dataplane }) => {
        if (shown !== undefined && equal(shown, dataplane)) return;
        shown = dataplane;
        console.log(
          ["would program:", ...describeDataplane(dataplane).map((line) => `  ${line}`)].join("\n"),
        );
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  } catch (error) {
    output.say({ type: "error", text: (error as Error).message });
    Deno.exit(error instanceof UsageError ? 64 : 1);
  }
  // The loader in memory would keep the process alive.
  Deno.exit();
}

/** The command line of main for these options; without a loader, one in memory is started. */
async function devConfig(options: DevOptions, folder: string): Promise<Config> {
  const { manifests, kubeconfig, context } = options;
  let { loader, object } = options;
  if (loader === undefined) {
    const fake = new FakeLoader({ socket: `${folder}/loader.sock` });
    await fake.start();
    loader = fake.target;
  }
  if (object === undefined) {
    object = `${folder}/blixt.o`;
    await Deno.writeFile(object, blixtObject());
  }
  return {
    source: manifests === undefined
      ? { type: "apiserver", ...(kubeconfig && { kubeconfig }), ...(context && { context }) }
      : { type: "manifests", folder: manifests, statusFile: `${folder}/status.yaml` },
    loader,
    object,
    interfaces: [],
    xdp: "off",
    order: FIRST,
    limits: LIMITS,
    unloadOnExit: false,
    json: false,
  };
}

function interrupted(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(new Error(`Stopped by ${signal}`)));
  }
  return stop.signal;
}
