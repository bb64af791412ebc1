// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../../controlplane/tasks/run_task.ts";
import { MAX_NODES } from "./layout.ts";

export const USAGE = `deno task cluster up [--nodes N] [--proxy MODE] [--name NAME]
deno task cluster down | status [--name NAME]

A real Kubernetes cluster on this machine, in network namespaces of its own: nodes with containerd and kubelet,
and a client outside. The first up builds what it needs. Nothing is left after down.

  --nodes N      How many nodes, 1 to ${MAX_NODES} (default: 2)
  --proxy MODE   How kube-proxy works: nftables, iptables, or none for no kube-proxy (default: nftables)
  --name NAME    Tells clusters on one machine apart (default: blixt)
  --help         Print this help`;

/** How kube-proxy works; "none": there is none. */
export const PROXY_MODES = ["nftables", "iptables", "none"] as const;

/** One of {@link PROXY_MODES}. */
export type ProxyMode = typeof PROXY_MODES[number];

/** What makes a cluster. */
export interface ClusterOptions {
  readonly name: string;
  readonly nodes: number;
  readonly proxy: ProxyMode;
}

/** What a command line asks for. */
export interface ClusterCommand {
  readonly action: "up" | "down" | "status";
  readonly options: ClusterOptions;
}

/** What `deno task cluster up` makes. */
export const DEFAULTS: ClusterOptions = { name: "blixt", nodes: 2, proxy: "nftables" };

/** Throws UsageError. */
export function parseClusterCommand(args: readonly string[]): ClusterCommand {
  const unknown: string[] = [];
  const { _: actions, ...flags } = parseArgs([...args], {
    string: ["nodes", "proxy", "name"],
    unknown: (argument: string, key?: string) => {
      if (key !== undefined) unknown.push(argument);
      return key === undefined;
    },
  });
  if (unknown.length > 0) throw usage(`${unknown[0]} is not an option`);
  const [action, ...more] = actions;
  if (more.length > 0 || (action !== "up" && action !== "down" && action !== "status")) {
    throw usage("exactly one of up, down and status is needed");
  }
  const { name = DEFAULTS.name } = flags;
  // The name is part of names of network namespaces, folders and control groups.
  if (!/^[a-z0-9]{1,20}$/.test(name)) throw usage("--name takes 1 to 20 lower-case letters and digits");
  const nodes = parseNodes(flags.nodes);
  if (nodes === undefined) throw usage(`--nodes takes 1 to ${MAX_NODES}`);
  const proxy = parseProxyMode(flags.proxy);
  if (proxy === undefined) throw usage(`--proxy takes ${PROXY_MODES.join(", ")}`);
  return { action, options: { name, nodes, proxy } };
}

/** The value of --nodes, the default when absent; undefined when it is no number of nodes. */
export function parseNodes(value: string | undefined): number | undefined {
  const count = value === undefined ? DEFAULTS.nodes : Number(value);
  return Number.isInteger(count) && count >= 1 && count <= MAX_NODES ? count : undefined;
}

/** The value of --proxy, the default when absent; undefined when there is no such mode. */
export function parseProxyMode(value: string | undefined): ProxyMode | undefined {
  return PROXY_MODES.find((mode) => mode === (value ?? DEFAULTS.proxy));
}

function usage(message: string): UsageError {
  return new UsageError(`${message}\n\n${USAGE}`);
}
