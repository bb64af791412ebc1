// SPDX-License-Identifier: Apache-2.0

// Puts the parts together for one command line.

import type { Snapshot } from "./api/snapshot.ts";
import type { Config, SourceConfig } from "./cli.ts";
import { Dataplane } from "./dataplane/dataplane.ts";
import type { Unprogrammed } from "./dataplane/planner.ts";
import type { Ends } from "./ends.ts";
import { serveHealth } from "./health.ts";
import type { Output } from "./output.ts";
import { runLoop } from "./run.ts";
import { Store } from "./store/store.ts";
import type { Translation } from "./translate/translation.ts";
import { translateHere } from "./translate_here.ts";

/**
 * Runs the control plane until the signal; what it left in the kernel stays
 * there unless the configuration says otherwise. The observer sees every
 * translation.
 */
export async function start(
  config: Config,
  output: Output,
  signal: AbortSignal,
  observe: (translation: Translation) => void = () => {},
): Promise<void> {
  const object = await Deno.readFile(config.object);
  const store = new Store();
  const dataplane = new Dataplane({
    loader: config.loader,
    object,
    interfaces: config.interfaces,
    xdp: config.xdp,
    limits: config.limits,
    log: output.log,
    onUnprogrammed: (services) => {
      for (const one of services) output.say({ type: "error", text: unprogrammed(one) });
      store.notify();
    },
  });
  const { status, run, translateOptions, peers } = await openSource(config.source, store, output);

  const health = { isReady: false };
  const onReady = (): void => {
    health.isReady = true;
    peers?.ready();
  };
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const translateAndWrite = async (): Promise<void> => {
    const { listeners: maxListeners, services: maxServices } = config.limits;
    const options = { ...await translateOptions(either), maxListeners, maxServices };
    const translateSnapshot = translateHere(options, peers);
    const translate = (snapshot: Snapshot): Translation => {
      const translation = translateSnapshot(snapshot);
      observe(translation);
      return translation;
    };
    await runLoop({ store, translate, dataplane, status, output, onReady }, either);
  };
  const parts = [run(either), dataplane.run(either), translateAndWrite()];
  if (config.health !== undefined) parts.push(serveHealth(config.health, health, either));
  try {
    await Promise.all(parts);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    failed.abort(new Error("Another part of the control plane failed"));
    await Promise.allSettled(parts);
    await status.close();
    if (config.unloadOnExit) await peers?.leave();
    await dataplane.close({ unload: config.unloadOnExit });
  }
}

function unprogrammed({ service, reason }: Unprogrammed): string {
  const { listener, protocol, address, port } = service;
  return `${listener}: ${protocol} port ${port} of ${address} is not in the kernel: ${reason}`;
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
