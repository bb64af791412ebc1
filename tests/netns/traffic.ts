// SPDX-License-Identifier: Apache-2.0

import {
  CLIENT,
  type DualStack,
  type Family,
  GATEWAY,
  type L4,
  LISTENER_PORT,
  TARGET_PORT,
} from "./addresses.ts";
import type { Background } from "./background.ts";
import type { Netns } from "./netns.ts";
import type { Backend, Topology } from "./topology.ts";
import type { FlowReport } from "./traffic/report.ts";
import type { TransferReport } from "./traffic/transfer.ts";

const REPOSITORY = new URL("../..", import.meta.url).pathname;

/** Who sends and who answers, in whatever topology. */
type Ends = Pick<Topology, "client" | "backends">;

/** The command line of a program in traffic/, with words before the options: Deno with the network and nothing else. */
function program(
  file: string,
  args: Readonly<Record<string, string | number | true | undefined>>,
  words: readonly string[] = [],
): string[] {
  const flags = Object.entries(args).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return value === true ? [`--${name}`] : [`--${name}=${value}`];
  });
  const path = new URL(`traffic/${file}`, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "--cached-only", "--allow-net", path, ...words, ...flags];
}

/** Starts the server of a backend for TCP and UDP, and waits until it listens. */
export async function startServer(
  backend: Pick<Backend, "name" | "netns" | Family>,
  port: number = TARGET_PORT,
): Promise<Background> {
  const { name, ipv4, ipv6 } = backend;
  const argv = [...program("server.ts", { name, port, address: ipv4 }), `--address=${ipv6}`];
  const server = backend.netns.start(argv, { cwd: REPOSITORY });
  try {
    await server.waitForLine(/^listening$/, 60_000);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** Starts every backend's server. They end with the topology. */
export async function startServers(topology: Ends, port: number = TARGET_PORT): Promise<void> {
  await Promise.all(topology.backends.map((backend) => startServer(backend, port)));
}

/** Where programs run, and with which addresses. */
export interface Endpoint extends DualStack {
  readonly netns: Netns;
}

/** Flows for the program flows.ts; see there. */
export interface FlowOptions {
  readonly protocol: L4;
  readonly family: Family;
  /** Who opens them; the topology's client by default. */
  readonly by?: Endpoint;
  /** The Gateway's address and the listener's port by default. */
  readonly to?: string;
  readonly port?: number;
  readonly flows?: number;
  readonly messages?: number;
  /** Milliseconds between two messages of a flow, or with `seconds` between two flows of a lane. */
  readonly interval?: number;
  readonly concurrency?: number;
  /** Milliseconds over which the flows' beginnings are spread. */
  readonly spread?: number;
  /** Opens flow after flow for so many seconds or until {@link endFlows}, in place of `flows`. */
  readonly seconds?: number;
  /** All flows at once: none closes before the last one was answered. */
  readonly hold?: boolean;
  /** With `hold`: none goes on before {@link goOn}. */
  readonly wait?: boolean;
  /** Milliseconds to wait for a connection and for each answer; 20,000 by default. */
  readonly timeout?: number;
}

/** Starts flows; {@link readReport} waits for them. */
export function startFlows(topology: Ends, options: FlowOptions): Background {
  const { family, hold, wait, to = GATEWAY[family], port = LISTENER_PORT[options.protocol], by, ...rest } =
    options;
  const { netns, [family]: from } = by ?? { netns: topology.client, ...CLIENT };
  const argv = program("flows.ts", {
    ...rest,
    to,
    port,
    from,
    hold: hold || undefined,
    wait: wait || undefined,
  });
  return netns.start(argv, { cwd: REPOSITORY });
}

/** Returns once flows that are held are all open, or every lane of those for a time had one. */
export async function flowsOpen(program: Background): Promise<void> {
  await program.waitForLine(/^open$/, 60_000);
}

/** Ends flows that are open: of those for a time none begins any more, those that are held say no more. */
export function endFlows(program: Background): void {
  program.signal("SIGUSR1");
}

/** Lets flows go on that wait. They must be open. */
export function goOn(program: Background): void {
  program.signal("SIGUSR1");
}

/** What is left of a transfer follows at once. */
export function hurry(transfer: Background): void {
  transfer.signal("SIGUSR1");
}

/** Runs flows to their end. */
export async function sendFlows(topology: Ends, options: FlowOptions): Promise<FlowReport> {
  return await readReport<FlowReport>(startFlows(topology, options));
}

/** A transfer for the program transfer.ts; see there. */
export interface TransferOptions {
  readonly direction: "put" | "get";
  readonly family: Family;
  /** The Gateway's address by default. */
  readonly to?: string;
  readonly bytes: number;
  readonly seconds: number;
}

/** Starts a transfer from the client and returns when its first bytes are through. */
export async function startTransfer(topology: Ends, options: TransferOptions): Promise<Background> {
  const { family, to = GATEWAY[family], ...rest } = options;
  const argv = program("transfer.ts", { ...rest, to, port: LISTENER_PORT.tcp });
  const transfer = topology.client.start(argv, { cwd: REPOSITORY });
  try {
    await transfer.waitForLine(/^transferred/, 60_000);
  } catch (error) {
    await transfer.stop();
    throw error;
  }
  return transfer;
}

/** Starts a server at a backend that resets every connection that speaks; see the program reset.ts. */
export async function startResetServer(backend: Backend, family: Family, port: number): Promise<Background> {
  const argv = program("reset.ts", { address: backend[family], port }, ["serve"]);
  const server = backend.netns.start(argv, { cwd: REPOSITORY });
  await server.waitForLine(/^listening$/, 60_000);
  return server;
}

/** Connections one after the other from one port of the client, for the program reset.ts; see there. */
export interface ResetOptions {
  readonly family: Family;
  readonly localPort: number;
  readonly times: number;
  /** Whether the client resets, or hears a reset. */
  readonly resets: boolean;
}

/** Opens and resets them, to the end. Throws when one ended otherwise. */
export async function sendResets(topology: Ends, options: ResetOptions): Promise<void> {
  const { family, localPort, times, resets } = options;
  const args = { to: GATEWAY[family], port: LISTENER_PORT.tcp, "local-port": localPort, times };
  const argv = program("reset.ts", { ...args, resets: resets ? true : undefined }, ["connect"]);
  const { stdout } = await topology.client.run(argv);
  if (stdout.trim() !== String(times)) throw new Error(`not all came to their end: ${stdout}`);
}

/** Waits for a traffic program's end and reads its report, one line of JSON. `timeout` in milliseconds. */
export async function readReport<T extends FlowReport | TransferReport>(
  program: Background,
  timeout = 60_000,
): Promise<T> {
  try {
    const lines = await program.finish(timeout);
    // Deno itself may have a warning about its caches after it.
    return JSON.parse(lines.findLast((line) => line.startsWith("{")) ?? "null") as T;
  } finally {
    await program.stop();
  }
}
