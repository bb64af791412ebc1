// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "@std/cli/parse-args";
import { resolve } from "@std/path";
import { paths } from "../../controlplane/tasks/paths.ts";
import { UsageError } from "../../controlplane/tasks/run_task.ts";
import { parseNodes, parseProxyMode, PROXY_MODES, type ProxyMode } from "../cluster/cluster_options.ts";
import { MAX_NODES } from "../cluster/layout.ts";

/** Parts of a run, in their order. */
export const PARTS = ["official", "proposed"] as const;

/** One of {@link PARTS}. */
export type Part = typeof PARTS[number];

export const USAGE =
  `deno task conformance [--nodes N] [--proxy MODE] [--part PART] [--report FILE] [--keep] [-- FLAG…]

Brings up a cluster, installs Blixt with kubectl apply -k, and runs from a client outside the Gateway API's
conformance suite, then the tests of tests/conformance/proposed, in the same form, of what it leaves untested.
Ends with the line "N passed, N failed, N skipped". What is skipped, and why, is in
tests/conformance/layer4/tests.go.

  --nodes N       How many nodes, 1 to ${MAX_NODES} (default: 2)
  --proxy MODE    How kube-proxy works: ${PROXY_MODES.join(", ")} (default: nftables)
  --part PART     Run one part alone: ${PARTS.join(" or ")}
  --report FILE   Where the official report goes (default: ${paths.cache}/conformance/report.yaml); the other's
                  stands beside it
  --keep          Leave the cluster up for a look; deno task cluster down --name conformance ends it
  --help          Print this help
  FLAG            Of the suite, such as -run-test=TCPRouteReferenceGrant -supported-features=TCPRoute`;

/** What the command line asks for. */
export interface ConformanceOptions {
  readonly nodes: number;
  readonly proxy: ProxyMode;
  readonly parts: readonly Part[];
  /** Absolute path. */
  readonly report: string;
  readonly keep: boolean;
  /** Flags of the suite. */
  readonly flags: readonly string[];
}

/** Paths are relative to the folder in which the user stands. Throws UsageError. */
export function parseConformanceOptions(args: readonly string[], folder: string): ConformanceOptions {
  const unknown: string[] = [];
  const { "--": flags = [], ...options } = parseArgs([...args], {
    string: ["nodes", "proxy", "part", "report"],
    boolean: ["keep"],
    "--": true,
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0) throw usage(`${unknown[0]} is not an option`);
  const nodes = parseNodes(options.nodes);
  if (nodes === undefined) throw usage(`--nodes takes 1 to ${MAX_NODES}`);
  const proxy = parseProxyMode(options.proxy);
  if (proxy === undefined) throw usage(`--proxy takes ${PROXY_MODES.join(", ")}`);
  const parts = PARTS.filter((part) => part === (options.part ?? part));
  if (parts.length === 0) throw usage(`--part takes ${PARTS.join(", ")}`);
  const report = options.report ?? `${paths.cache}/conformance/report.yaml`;
  if (report === "") throw usage("--report needs a file");
  return { nodes, proxy, parts, report: resolve(folder, report), keep: options.keep === true, flags };
}

function usage(message: string): UsageError {
  return new UsageError(`${message}\n\n${USAGE}`);
}
