// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "@std/cli/parse-args";
import { DEFAULT_LIMITS, type Limits as DataplaneLimits } from "./dataplane/limits.ts";
import { type AttachOrder, ORDER_SYNTAX, parseOrder } from "./dataplane/order.ts";
import { XDP_MODES, type XdpMode } from "./dataplane/xdp.ts";
import { type ListenAddress, parseListenAddress } from "./listen.ts";

/** Where the objects come from. */
export type SourceConfig =
  | {
    readonly type: "manifests";
    readonly folder: string;
    readonly statusFile: string;
    /** The Node among the manifests that this host is; absent: it is alone. */
    readonly node?: string;
  }
  | {
    readonly type: "apiserver";
    /** Absent: the service account of the pod, or else what KUBECONFIG and ~/.kube/config say. */
    readonly kubeconfig?: string;
    readonly context?: string;
    /** The node that this control plane programs; absent: it is the only one and programs the host it is on. */
    readonly node?: string;
  };

/** How much there is room for; beyond it Gateways are not programmed, the youngest first. */
export interface Limits extends DataplaneLimits {
  /** Listeners of Gateways and ListenerSets. */
  readonly listeners: number;
}

/** What holds where no option says otherwise. */
export const LIMITS: Limits = { ...DEFAULT_LIMITS, listeners: DEFAULT_LIMITS.services };

/** The most that a limit may be: the kernel counts elements of a map with 32 bits, and a flow has two. */
const LARGEST_LIMIT = 1_000_000_000;

/** A checked command line. */
export interface Config {
  readonly source: SourceConfig;
  /** "unix:/path" of the loader's socket. */
  readonly loader: string;
  /** Path of the eBPF object. */
  readonly object: string;
  /** Empty: the dataplane finds them. */
  readonly interfaces: readonly string[];
  readonly xdp: XdpMode;
  /** Place among other programs at the interfaces. */
  readonly order: AttachOrder;
  readonly limits: Limits;
  readonly unloadOnExit: boolean;
  /** Where probes are answered; nowhere when absent. */
  readonly health?: ListenAddress;
  /** Where metrics are told; nowhere when absent. */
  readonly metrics?: ListenAddress;
  readonly json: boolean;
}

/** A command line that cannot be carried out; the exit code is EX_USAGE (64) of sysexits.h. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What parseArgs makes of the options below; the package comes without types. */
interface Flags {
  readonly manifests?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly "in-cluster": boolean;
  readonly node?: string;
  readonly loader?: string;
  readonly object?: string;
  readonly interface: readonly string[];
  readonly xdp?: string;
  readonly order?: string;
  readonly "status-file"?: string;
  readonly flows?: string;
  readonly services?: string;
  readonly backends?: string;
  readonly clients?: string;
  readonly listeners?: string;
  readonly "unload-on-exit": boolean;
  readonly health?: string;
  readonly metrics?: string;
  readonly json: boolean;
  readonly help: boolean;
}

/** What --help prints. */
export const USAGE =
  `Usage: main.ts --manifests DIR | --kubeconfig FILE | --in-cluster  --loader unix:PATH --object FILE [options]

Reads Gateway API objects, programs the kernel through the loader, writes statuses.

Source, one of:
  --manifests DIR       folder of YAML and JSON manifests, read again on every change
  --kubeconfig FILE     API server, by a kubeconfig file
  --in-cluster          API server, by the service account of the pod

  --node NAME           name of the node that this runs on (default: NODE_NAME of the environment): control planes of
                        nodes share the work through Leases in namespace blixt-system; without it this one is alone;
                        with --manifests: the Node there that this host is
  --context NAME        context of the kubeconfig file (default: its current one)
  --loader unix:PATH    the loader's socket
  --object FILE         the eBPF object to load
  --interface NAME      interface that takes traffic; may be given more than once (default: found)
  --order PLACE         place among others' programs at the same interfaces, where Blixt is not attached yet: first (default),
                        last, before:PROGRAM, after:PROGRAM; PROGRAM is a program's id or the path of its pin
  --xdp auto|off|on     whether packets are looked at in the driver first, which spares what is answered or refused
                        there the rest of the way; auto: on hardware whose driver can (default: auto); what is sent
                        back from a veth reaches only an other end that has an XDP program too
  --status-file FILE    with --manifests: where statuses are written (default: status.yaml beside the loader's socket)
  --flows NUMBER        flows of each IP version that are remembered at most (default: ${LIMITS.flows})
  --services NUMBER     addresses with port and protocol at most (default: ${LIMITS.services})
  --backends NUMBER     endpoints at most, counted once for each service (default: ${LIMITS.backends})
  --clients NUMBER      clients of services with sessionAffinity that are remembered at most (default: ${LIMITS.clients})
  --listeners NUMBER    listeners of Gateways and ListenerSets at most (default: ${LIMITS.listeners})
  --unload-on-exit      leave nothing in the kernel at the end (default: it goes on forwarding)
  --health HOST:PORT    answer probes there: /livez, and /readyz once everything is programmed
  --metrics HOST:PORT   tell metrics there in Prometheus' text format: /metrics
  --json                print one JSON object a line
  --help                print this
`;

/** Checks the command line, and what of the environment stands in for it, before anything is opened. Throws UsageError; returns "help" for --help. */
export function parseCommandLine(
  args: readonly string[],
  env: (name: string) => string | undefined = () => undefined,
): Config | "help" {
  const unknown: string[] = [];
  const flags: Flags = parseArgs([...args], {
    string: [
      "manifests",
      "kubeconfig",
      "context",
      "node",
      "loader",
      "object",
      "interface",
      "xdp",
      "order",
      "status-file",
      "health",
      "metrics",
      "flows",
      "services",
      "backends",
      "clients",
      "listeners",
    ],
    boolean: ["in-cluster", "unload-on-exit", "json", "help"],
    collect: ["interface"],
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (flags.help) return "help";
  for (const [name, value] of Object.entries(flags)) {
    if (value === "" || Array.isArray(value) && value.includes("")) {
      throw new UsageError(`--${name} needs a value`);
    }
  }
  if (unknown[0] !== undefined) throw new UsageError(`Unknown argument ${unknown[0]}`);
  const { loader, object } = flags;
  if (loader === undefined) {
    throw new UsageError("--loader is missing, for example --loader unix:/run/blixt/loader.sock");
  }
  if (!/^unix:\/./.test(loader)) {
    throw new UsageError(`--loader is ${loader}, must be unix: and the absolute path of a socket`);
  }
  if (object === undefined) throw new UsageError("--object is missing: the path of the eBPF object to load");
  return {
    source: parseSource(flags, loader, env),
    loader,
    object,
    interfaces: flags.interface,
    xdp: parseXdp(flags.xdp ?? "auto"),
    order: parseOrderOption(flags.order ?? "first"),
    limits: {
      flows: parseLimit("flows", flags),
      services: parseLimit("services", flags),
      backends: parseLimit("backends", flags),
      clients: parseLimit("clients", flags),
      listeners: parseLimit("listeners", flags),
    },
    unloadOnExit: flags["unload-on-exit"],
    ...(flags.health !== undefined && { health: parseAddress("health", flags.health) }),
    ...(flags.metrics !== undefined && { metrics: parseAddress("metrics", flags.metrics) }),
    json: flags.json,
  };
}

function parseLimit(name: keyof Limits, flags: Flags): number {
  const text = flags[name];
  if (text === undefined) return LIMITS[name];
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= LARGEST_LIMIT) return number;
  throw new UsageError(`--${name} is ${text}, must be a whole number from 1 to ${LARGEST_LIMIT}`);
}

function parseOrderOption(text: string): AttachOrder {
  const order = parseOrder(text);
  if (order !== undefined) return order;
  throw new UsageError(
    `--order is ${text}, must be ${ORDER_SYNTAX}, a program's id or the absolute path of its pin`,
  );
}

function parseXdp(text: string): XdpMode {
  const mode = XDP_MODES.find((mode) => mode === text);
  if (mode !== undefined) return mode;
  throw new UsageError(`--xdp is ${text}, must be one of ${XDP_MODES.join(", ")}`);
}

function parseAddress(name: string, text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(`--${name} is ${text}, must be a host and a port such as 127.0.0.1:9441`);
}

function parseSource(
  flags: Flags,
  loader: string,
  env: (name: string) => string | undefined,
): SourceConfig {
  const { manifests, kubeconfig, context, "in-cluster": inCluster, "status-file": statusFile } = flags;
  const sources =
    [manifests !== undefined, kubeconfig !== undefined, inCluster].filter((given) => given).length;
  if (sources !== 1) {
    throw new UsageError(
      `Exactly one of --manifests, --kubeconfig and --in-cluster must be given, not ${sources}`,
    );
  }
  if (context !== undefined && kubeconfig === undefined) throw new UsageError("--context needs --kubeconfig");
  if (manifests !== undefined) {
    const socket = loader.slice("unix:".length);
    const beside = `${socket.slice(0, socket.lastIndexOf("/"))}/status.yaml`;
    return {
      type: "manifests",
      folder: manifests,
      statusFile: statusFile ?? beside,
      ...(flags.node !== undefined && { node: flags.node }),
    };
  }
  if (statusFile !== undefined) {
    throw new UsageError("--status-file needs --manifests; the API server keeps statuses itself");
  }
  // Not asked of with manifests: the control plane may read no more of its environment than it must.
  const node = flags.node ?? (env("NODE_NAME") || undefined);
  if (inCluster && node === undefined) {
    throw new UsageError(
      "--node is missing: with --in-cluster the node has to be named, as NODE_NAME or by --node",
    );
  }
  return {
    type: "apiserver",
    ...(node !== undefined && { node }),
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  };
}
