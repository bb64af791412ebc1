// SPDX-License-Identifier: Apache-2.0

// Puts the parts together for one command line.

import type { Snapshot } from "./api/snapshot.ts";
import type { Config, SourceConfig } from "./cli.ts";
import { Dataplane } from "./dataplane/dataplane.ts";
import type { ReachedLimit } from "./dataplane/fullness.ts";
import type { Unprogrammed } from "./dataplane/planner.ts";
import type { Ends } from "./ends.ts";
import { answerHealth, type Health } from "./health.ts";
import { type Endpoint, listen } from "./listen.ts";
import { type Meter, NO_METER } from "./meter.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Output } from "./output.ts";
import { runLoop } from "./run.ts";
import type { StatusWriter } from "./status/status_writer.ts";
import { Store } from "./store/store.ts";
import type { Notice, Translation } from "./translate/translation.ts";
import { translateHere } from "./translate_here.ts";

/** Milliseconds for the kernel's counters to be read. */
const MEASURE_PATIENCE = 5_000;

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
    order: config.order,
    limits: config.limits,
    log: output.log,
    onUnprogrammed: (services) => {
      for (const one of services) output.say({ type: "error", text: unprogrammed(one) });
      store.notify();
    },
    onReached: (tables) => status.setOfNode?.(reachedLimits(config.source, tables)),
    onConnected: () => metrics?.connected(),
  });
  const now: Now = { isReady: false, withoutRoom: 0, leads: () => true };
  const metrics = config.metrics && await openMetrics(dataplane, now);
  const { status, run, translateOptions, peers } = await openSource(config.source, store, output, metrics);
  if (peers !== undefined) now.leads = (): boolean => peers.leads;

  const onReady = (): void => {
    now.isReady = true;
    peers?.ready();
  };
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const translateAndWrite = async (): Promise<void> => {
    const { listeners: maxListeners, services: maxServices } = config.limits;
    const ofSource = await translateOptions(either);
    const translateSnapshot = translateHere(() => ({ ...ofSource(), maxListeners, maxServices }), peers);
    const translate = (snapshot: Snapshot): Translation => {
      const translation = translateSnapshot(snapshot);
      observe(translation);
      return translation;
    };
    const counted: StatusWriter = {
      set: (statuses, notices, loadBalancers) => {
        now.withoutRoom = notices.filter(({ reason }) => reason === "NoResources").length;
        status.set(statuses, notices, loadBalancers);
      },
      close: () => status.close(),
    };
    const meter = metrics ?? NO_METER;
    await runLoop({ store, translate, dataplane, status: counted, output, onReady, meter }, either);
  };
  const parts = [run(either), dataplane.run(either), translateAndWrite()];
  parts.push(listen(endpoints(config, now, metrics), either));
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

/** What changes while the control plane runs, and is told over HTTP. */
interface Now extends Health {
  isReady: boolean;
  /** Objects of which NoResources is told. */
  withoutRoom: number;
  leads: () => boolean;
}

/** The library is loaded only where it is used. */
async function openMetrics(dataplane: Dataplane, now: Now): Promise<Metrics> {
  const { Metrics } = await import("./metrics/metrics.ts");
  const { loadPrometheus } = await import("./metrics/prometheus.ts");
  return new Metrics(await loadPrometheus(), {
    isReady: () => now.isReady,
    leads: () => now.leads(),
    isConnected: () => dataplane.isConnected,
    unprogrammed: () => dataplane.unprogrammed.length,
    withoutRoom: () => now.withoutRoom,
    dropReasons: dataplane.dropReasons,
    measure: () => dataplane.measure(AbortSignal.timeout(MEASURE_PATIENCE)),
  });
}

function endpoints({ health, metrics: address }: Config, now: Now, metrics: Metrics | undefined): Endpoint[] {
  const all: Endpoint[] = [];
  if (health !== undefined) {
    all.push({ address: health, option: "--health", answer: (path) => answerHealth(path, now) });
  }
  if (address !== undefined && metrics !== undefined) {
    all.push({ address, option: "--metrics", answer: (path) => metrics.answer(path) });
  }
  return all;
}

/** About the Node, which the control plane of a cluster knows; without one it is the only one, and its log is read. */
function reachedLimits({ node }: SourceConfig, tables: readonly ReachedLimit[]): Notice[] {
  if (node === undefined) return [];
  return tables.map(({ message }) => ({
    kind: "Node",
    key: node,
    reason: "LimitReached",
    message: `${message}.`,
  }));
}

function unprogrammed({ service, reason }: Unprogrammed): string {
  const { listener, protocol, address, port } = service;
  return `${listener}: ${protocol} port ${port} of ${address} is not in the kernel: ${reason}`;
}

/** The two sources are loaded only where they are used. */
async function openSource(
  config: SourceConfig,
  store: Store,
  output: Output,
  meter?: Meter,
): Promise<Ends> {
  if (config.type === "manifests") {
    const { openManifests } = await import("./source/manifests/open.ts");
    return await openManifests(config, store, output);
  }
  const { findApiServer, openApiServer } = await import("./source/apiserver/open.ts");
  return openApiServer(config, await findApiServer(config), store, output, meter);
}
