// SPDX-License-Identifier: Apache-2.0

import { resolve } from "@std/path";
import { UsageError } from "./run_task.ts";

export const USAGE = `deno task start --manifests DIR | --kubeconfig FILE [OPTION]…

Runs loader and control plane in the present network namespace until SIGTERM or Ctrl-C, and then takes
everything down. Prints a line that begins with "ready" once everything is programmed. After SIGKILL, packets
go on and the next start takes over.

  --manifests DIR       Take Gateway API objects from the YAML files in a folder, again whenever one changes
  --kubeconfig FILE     Take them from the API server of the current context
  --interface NAME      Outward interface; repeatable; found by itself when absent
  --order PLACE         Place among others' programs on the same interface: first (default), last, before:PROGRAM or
                        after:PROGRAM, by a program's id (deno task show) or the path of its pin
  --xdp auto|off|on     Whether packets are looked at in the driver first; auto: on hardware whose driver can
  --status-file FILE    With --manifests: where to write statuses (default: /run/blixt/NETNS/status.yaml)
  --flows NUMBER        How much there is room for: flows of each IP version, addresses with port and protocol,
  --services NUMBER     endpoints, clients of sessionAffinity, and listeners; what each costs in kernel memory is
  --backends NUMBER     said at the start
  --clients NUMBER
  --listeners NUMBER
  --metrics HOST:PORT   Tell metrics there in Prometheus' text format: /metrics
  --help                Print this help

Any other option goes to the control plane as it is.`;

/** Where the control plane takes its objects from. */
export type ObjectSource =
  | { readonly kind: "manifests"; readonly path: string }
  | { readonly kind: "kubeconfig"; readonly path: string };

/** What the command line of `deno task start` asks for. */
export interface StartOptions {
  readonly source: ObjectSource;
  readonly interfaces: readonly string[];
  /** Absent for the default, beside the loader's socket. */
  readonly statusFile?: string;
  /** Options that the control plane understands by itself. */
  readonly others: readonly string[];
}

const own = ["--manifests", "--kubeconfig", "--interface", "--status-file"];

/**
 * Parses the command line. Paths are relative to the folder in which the user
 * stands. Throws UsageError.
 */
export function parseStartOptions(args: readonly string[], folder: string): StartOptions {
  const values = new Map<string, string[]>(own.map((name) => [name, []]));
  const others: string[] = [];
  const rest = args[0] === "--" ? args.slice(1) : [...args];
  while (rest.length > 0) {
    const argument = rest.shift()!;
    const [name = "", attached] = splitOnce(argument, "=");
    const list = values.get(name);
    if (list === undefined) {
      others.push(argument);
      continue;
    }
    const value = attached ?? rest.shift();
    if (value === undefined || value === "") throw usage(`${name} needs a value`);
    list.push(value);
  }
  const single = (name: string): string | undefined => {
    const [value, ...more] = values.get(name)!;
    if (more.length > 0) throw usage(`${name} is given twice`);
    return value === undefined ? undefined : resolve(folder, value);
  };
  const manifests = single("--manifests");
  const kubeconfig = single("--kubeconfig");
  const statusFile = single("--status-file");
  if ((manifests === undefined) === (kubeconfig === undefined)) {
    throw usage("exactly one of --manifests and --kubeconfig is needed");
  }
  return {
    source: manifests === undefined
      ? { kind: "kubeconfig", path: kubeconfig! }
      : { kind: "manifests", path: manifests },
    interfaces: values.get("--interface")!,
    ...(statusFile === undefined ? {} : { statusFile }),
    others,
  };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function usage(message: string): UsageError {
  return new UsageError(`${message}\n\n${USAGE}`);
}
