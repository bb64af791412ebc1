// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import { Blixt } from "../../netns/blixt.ts";
import { Topology } from "../../netns/topology.ts";
import { scaleManifests, withOneEndpointChanged } from "./manifests.ts";
import { type ProcessUse, readProcessUse } from "./process_use.ts";

/** Milliseconds that ten thousand services may take until they are programmed. */
const PATIENCE = 600_000;

/** What a number of services cost. Times in seconds, memory in megabytes. */
export interface ScaleFigures {
  readonly services: number;
  /** Until the kernel had everything: from the command's start, and processor time of each process. */
  readonly start: number;
  readonly startControlPlane: number;
  readonly startLoader: number;
  /** Of the control plane, at most until then. */
  readonly startMemory: number;
  /** One endpoint changed: until the kernel had it, and processor time of both; the median of all changes. */
  readonly change: number;
  readonly changeCpu: number;
  /** Processor time of both in a minute in which nothing happens, and the control plane's memory after it. */
  readonly idleMinute: number;
  readonly idleMemory: number;
}

/** What to measure. */
export interface ScaleOptions {
  readonly services: number;
  /** How many endpoints are changed, one after another. */
  readonly changes: number;
  /** Seconds without a change. */
  readonly idle: number;
  /** Seconds after the start for what comes after it: statuses in their file, addresses announced three times. */
  readonly settle: number;
}

/** Starts Blixt on one file of manifests, changes it, and leaves it alone. */
export async function measureScale({ services, changes, idle, settle }: ScaleOptions): Promise<ScaleFigures> {
  await using stack = new AsyncDisposableStack();
  const topology = stack.use(await Topology.create({ backends: 1 }));
  const folder = await Deno.makeTempDir({ prefix: "blixt-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const file = `${folder}/services.yaml`;
  let text = scaleManifests(services);
  await Deno.writeTextFile(file, text);

  const begin = performance.now();
  const blixt = stack.use(await Blixt.start(topology.host, { manifests: folder, patience: PATIENCE }));
  const start = (performance.now() - begin) / 1_000;
  const pids = [blixt.process("control plane").pid, blixt.process("loader").pid] as const;
  const [controlPlane, loader] = pids.map(readProcessUse) as [ProcessUse, ProcessUse];
  await delay(settle * 1_000);

  const readings: { readonly time: number; readonly cpu: number }[] = [];
  for (let time = 0; time < changes; time++) {
    text = withOneEndpointChanged(text, services, time);
    await Deno.writeTextFile(`${folder}/.next`, text);
    const [cpu, at] = [cpuOf(pids), performance.now()];
    await blixt.apply(() => Deno.rename(`${folder}/.next`, file));
    const took = (performance.now() - at) / 1_000;
    await delay(settle * 100);
    readings.push({ time: took, cpu: cpuOf(pids) - cpu });
  }

  const before = cpuOf(pids);
  await delay(idle * 1_000);
  return {
    services,
    start,
    startControlPlane: controlPlane.cpu,
    startLoader: loader.cpu,
    startMemory: controlPlane.mostMemory,
    change: median(readings.map(({ time }) => time)),
    changeCpu: median(readings.map(({ cpu }) => cpu)),
    idleMinute: (cpuOf(pids) - before) / idle * 60,
    idleMemory: readProcessUse(pids[0]).memory,
  };
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readProcessUse(pid).cpu, 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
