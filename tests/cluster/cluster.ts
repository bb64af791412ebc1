// SPDX-License-Identifier: Apache-2.0

import { paths } from "../../controlplane/tasks/paths.ts";
import type { StepRunner } from "../../controlplane/tasks/requirement.ts";
import { removeTree } from "../../controlplane/tasks/remove_tree.ts";
import { isStillThere } from "../netns/processes.ts";
import { type ClusterOptions, DEFAULTS } from "./cluster_options.ts";
import { removeControlGroups } from "./control_groups.ts";
import { createClusterPki, startControlPlane } from "./control_plane.ts";
import { type Detached, killDetached } from "./detached.ts";
import { writePauseImage } from "./images.ts";
import { installCrds, kubectl } from "./kubectl.ts";
import { MAX_NODES } from "./layout.ts";
import { buildNetwork, removeNetwork } from "./network.ts";
import { startNode } from "./node.ts";
import { poll } from "./poll.ts";
import { Recorder } from "./recorder.ts";
import { type ClusterSite, siteOf } from "./site.ts";
import { type ClusterState, readState, writeState } from "./state.ts";

/** Milliseconds that nodes have to become ready. */
const PATIENCE = 120_000;

/** Milliseconds that the processes of a node have to end with it. */
const PATIENCE_END = 5_000;

/** What is left of a cluster, or all of it. */
export interface ClusterStatus {
  readonly site: ClusterSite;
  readonly options: ClusterOptions;
  readonly running: readonly Detached[];
  readonly ended: readonly Detached[];
  /** Up, with every process that was started. */
  readonly whole: boolean;
}

/** Looks at a cluster; undefined when there is none of that name. */
export async function statusOf(name: string): Promise<ClusterStatus | undefined> {
  const state = await readState(siteOf({ ...DEFAULTS, name }).state);
  if (state === undefined) return undefined;
  const { options, processes, complete } = state;
  const ended = processes.filter((process) => !isStillThere(process));
  return {
    site: siteOf(options),
    options,
    running: processes.filter((process) => !ended.includes(process)),
    ended,
    whole: complete && ended.length === 0,
  };
}

/**
 * Brings a cluster up, with the Gateway API's CRDs. One that is up already as asked for stays; any other of that
 * name is taken down first. Throws after taking down what had come up.
 */
export async function bringUp(options: ClusterOptions, step: StepRunner): Promise<ClusterSite> {
  const present = await statusOf(options.name);
  const same = JSON.stringify(present?.options) === JSON.stringify(options);
  if (present?.whole && same) return present.site;
  await takeDown(options.name);
  const site = siteOf(options);
  try {
    await construct(site, options, step);
    return site;
  } catch (error) {
    await takeDown(options.name, { keepLogs: true });
    throw error;
  }
}

async function construct(site: ClusterSite, options: ClusterOptions, step: StepRunner): Promise<void> {
  for (const folder of [site.pki, site.logs]) await Deno.mkdir(folder, { recursive: true });
  let state: ClusterState = { options, processes: [], complete: false };
  const save = async (change: Partial<ClusterState>): Promise<void> => {
    state = { ...state, ...change };
    await writeState(site.state, state);
  };
  await save({});
  const processes = new Recorder({ logs: site.logs, save: (processes) => save({ processes }) });
  const { layout, kubeconfig } = site;
  const [pki] = await step(
    "making keys and the network",
    () => Promise.all([createClusterPki(site), buildNetwork(layout), writePauseImage()]),
  );
  const construction = { site, options, pki, processes };
  await step("starting the control plane", () => startControlPlane(construction));
  await step("starting the nodes", async () => {
    await Promise.all([
      installCrds(kubeconfig, paths.crds),
      ...layout.nodes.map((node) => startNode(construction, node)),
    ]);
    await waitForNodes(site);
  });
  await save({ complete: true });
}

async function waitForNodes({ layout, kubeconfig }: ClusterSite): Promise<void> {
  const condition = `{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}`;
  const wanted = layout.nodes.map(({ name }) => `${name}=True`).join(" ");
  let seen = "";
  const ready = async (): Promise<boolean> => {
    seen = (await kubectl(kubeconfig, ["get", "nodes", `--output=jsonpath=${condition}`])).trim();
    return seen === wanted;
  };
  if (await poll({ ready, patience: PATIENCE }) !== "ready") {
    throw new Error(`the nodes are not ready after ${PATIENCE} ms: ${seen}`);
  }
  // Pods are refused in a namespace before its service account is there.
  const account = ["get", "serviceaccount", "default"];
  await poll({ ready: async () => (await kubectl(kubeconfig, account)) !== "", patience: PATIENCE });
}

/** Ends a cluster and removes all it had; harmless when there is none. `keepLogs` leaves the logs alone. */
export async function takeDown(name: string, { keepLogs = false } = {}): Promise<void> {
  const site = siteOf({ ...DEFAULTS, name, nodes: MAX_NODES });
  const state = await readState(site.state);
  await endProcesses(site, state?.processes ?? []);
  await removeNetwork(site.layout);
  for (const { netns } of site.layout.nodes) await removeControlGroups(netns);
  await removeTree(site.etcd);
  for await (const { name } of readFolder(site.folder)) {
    if (!keepLogs || name !== "logs") await removeTree(`${site.folder}/${name}`);
  }
  if (!keepLogs) await removeTree(site.folder);
}

/**
 * Ends the nodes' first processes before the rest: what runs in a node ends with them and is reaped by the process
 * that waits for it outside.
 */
async function endProcesses({ layout }: ClusterSite, processes: readonly Detached[]): Promise<void> {
  const roles = new Set(layout.nodes.map(({ name }) => name));
  await killDetached(processes.filter(({ name }) => roles.has(name)));
  const inside = processes.filter(({ name }) => roles.has(name.split("-")[0]!));
  const ended = (): Promise<boolean> => Promise.resolve(!inside.some((process) => isStillThere(process)));
  await poll({ ready: ended, patience: PATIENCE_END });
  await killDetached(processes);
}

async function* readFolder(folder: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
