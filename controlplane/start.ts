// SPDX-License-Identifier: Apache-2.0

// Puts the parts together for one command line.

import type { Config, SourceConfig } from "./cli.ts";
import { Dataplane } from "./dataplane/dataplane.ts";
import type { Output } from "./output.ts";
import { runLoop } from "./run.ts";
import type { StatusWriter } from "./status/status_writer.ts";
import { Store } from "./store/store.ts";
import { translate } from "./translate/translate.ts";

/** A source with the writer that brings statuses back to where the objects came from. */
interface Ends {
  readonly status: StatusWriter;
  /** Fills the store until the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Runs the control plane until the signal. What it left in the kernel stays there unless the configuration says otherwise. */
export async function start(config: Config, output: Output, signal: AbortSignal): Promise<void> {
  const object = await Deno.readFile(config.object);
  const store = new Store();
  const { loader, interfaces } = config;
  const dataplane = new Dataplane({ loader, object, interfaces, log: output.log });
  const ends = await openSource(config.source, store, output);

  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const parts = [
    ends.run(either),
    dataplane.run(either),
    runLoop(
      { store, translate: (snapshot) => translate(snapshot), dataplane, status: ends.status, output },
      either,
    ),
  ];
  try {
    await Promise.all(parts);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    failed.abort(new Error("Another part of the control plane failed"));
    await Promise.allSettled(parts);
    await ends.status.close();
    await dataplane.close({ unload: config.unloadOnExit });
  }
}

/** The two sources are loaded only where they are used: the API client alone takes tens of megabytes. */
async function openSource(config: SourceConfig, store: Store, output: Output): Promise<Ends> {
  if (config.type === "manifests") {
    const { openManifests } = await import("./source/manifests/open.ts");
    return await openManifests(config, store, output);
  }
  const { openApiServer } = await import("./source/apiserver/open.ts");
  return await openApiServer(config, store, output);
}
