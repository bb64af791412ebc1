// SPDX-License-Identifier: Apache-2.0

import { paths } from "../../controlplane/tasks/paths.ts";
import type { ClusterOptions } from "./cluster_options.ts";
import { type Layout, layOutCluster } from "./layout.ts";
import { memoryFolder } from "./memory_folder.ts";
import type { Pki } from "./pki.ts";

/** Where everything of one cluster lies, as absolute paths. */
export interface ClusterSite {
  readonly layout: Layout;
  /** All of the files below and of the nodes. */
  readonly folder: string;
  /** What later tasks have to know. */
  readonly state: string;
  /** Data of etcd. */
  readonly etcd: string;
  /** Keys and certificates. */
  readonly pki: string;
  /** One file for every process. */
  readonly logs: string;
  /** Of the administrator, for programs on the machine. */
  readonly kubeconfig: string;
  /** Of the administrator, for programs in the client's network namespace. */
  readonly clientKubeconfig: string;
}

/** Places a cluster under the cache folder and in memory, outside the tree. */
export function siteOf({ name, nodes }: Pick<ClusterOptions, "name" | "nodes">): ClusterSite {
  const folder = `${paths.cache}/cluster/run/${name}`;
  return {
    layout: layOutCluster(name, nodes),
    folder,
    state: `${folder}/state.json`,
    etcd: `${memoryFolder(folder)}/bx-cluster-${name}-etcd`,
    pki: `${folder}/pki`,
    logs: `${folder}/logs`,
    kubeconfig: `${folder}/admin.kubeconfig`,
    clientKubeconfig: `${folder}/client.kubeconfig`,
  };
}

/** Port at which the API is served in the fabric: the one of its Service, which then needs no kube-proxy. */
export const API_PORT = 443;

/** Says whether the process with that id is ready; a failure counts as not yet. */
export type Readiness = (pid: number) => Promise<boolean>;

/** Starts processes that the cluster's end will end. */
export interface ProcessStarter {
  /**
   * Starts and records a process, and gives its id. Returns once it is ready;
   * at once when nobody asks. Throws with the log's end when it does not come up.
   */
  start(name: string, argv: readonly string[], ready?: Readiness): Promise<number>;
}

/** A cluster that is coming up. */
export interface Construction {
  readonly site: ClusterSite;
  readonly options: ClusterOptions;
  readonly pki: Pki;
  readonly processes: ProcessStarter;
}
