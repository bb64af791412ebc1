// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "@std/cli/parse-args";
import { resolve } from "@std/path";
import { UsageError } from "./cli.ts";

/** What `deno task dev --help` prints. */
export const DEV_USAGE = `deno task dev [--manifests DIR | --kubeconfig FILE] [options]

Runs the control plane alone and prints what it would program; starts anew when its code changes.
Statuses are written as ever, so use a cluster in which no other Blixt runs.

  --kubeconfig FILE  API server (default: $KUBECONFIG, or ~/.kube/config)
  --context NAME     context of that file (default: its current one)
  --manifests DIR    a folder of manifests instead
  --loader unix:PATH a real loader (default: one in memory, which programs nothing)
  --object FILE      the eBPF object (default: a stand-in with the same maps; needed with --loader)
  --help             print this
`;

/** A checked command line; the paths are absolute. */
export interface DevOptions {
  readonly manifests?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly loader?: string;
  readonly object?: string;
}

/** What parseArgs makes of the options; the package comes without types. */
interface Flags extends DevOptions {
  readonly help: boolean;
}

/** Checks the command line. Relative paths count from the folder in which the user called the task. */
export function parseDevOptions(
  args: readonly string[],
  folder: string,
  env: (name: string) => string | undefined,
): DevOptions | "help" {
  const unknown: string[] = [];
  const flags: Flags = parseArgs([...args], {
    string: ["manifests", "kubeconfig", "context", "loader", "object"],
    boolean: ["help"],
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (flags.help) return "help";
  if (unknown[0] !== undefined) throw new UsageError(`Unknown argument ${unknown[0]}`);
  const { manifests, context, loader, object } = flags;
  if (manifests !== undefined && flags.kubeconfig !== undefined) {
    throw new UsageError("--manifests and --kubeconfig exclude each other");
  }
  if (loader !== undefined && object === undefined) {
    throw new UsageError("--loader needs --object: the eBPF object that deno task build has built");
  }
  const from = (path: string): string => resolve(folder, path);
  // Of several files in KUBECONFIG the first counts, which is where kubectl writes too.
  const named = flags.kubeconfig ?? env("KUBECONFIG")?.split(":").find((path) => path !== "");
  return {
    ...(manifests === undefined
      ? { kubeconfig: from(named ?? `${env("HOME") ?? "/root"}/.kube/config`) }
      : { manifests: from(manifests) }),
    ...(context !== undefined && { context }),
    ...(loader !== undefined && { loader }),
    ...(object !== undefined && { object: from(object) }),
  };
}
