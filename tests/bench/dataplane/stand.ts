// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import type { Background } from "../../netns/background.ts";
import { joinHostPort } from "../../netns/addresses.ts";
import type { Netns } from "../../netns/netns.ts";
import { runCommand } from "../../netns/run_command.ts";
import { Topology } from "../../netns/topology.ts";
import type { Contender } from "./contender.ts";
import { runLoad, startLoadServer } from "./load_program.ts";
import { makeServices, MEASURED, PORTS, TARGETS } from "./service.ts";

/** A contender's way from clients to servers. */
interface Path {
  readonly contender: Contender;
  /** Where the measuring clients run. */
  readonly client: Netns;
  /** Where the servers run. */
  readonly server: Netns;
  /** Where clients send to. */
  readonly address: string;
  /** Process ids of the balancer's programs and the servers. */
  readonly programs: readonly number[];
}

/** Client, host and server of one contender, each in a network namespace, all at work. */
export type Stand = Path & AsyncDisposable;

/**
 * Builds the stand with that many services and waits until requests are answered by every backend. Throws where they
 * are not after so many milliseconds.
 */
export async function buildStand(contender: Contender, count: number, patience: number): Promise<Stand> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "blixt-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const topology = stack.use(
    await Topology.create({ backends: 1, forwarding: true, masquerade: false, offloads: true }),
  );
  const server = topology.backends[0]!;
  await addTargets(topology);
  for (const netns of [topology.client, topology.host]) await manyPorts(netns);
  for (const { name, address } of TARGETS) {
    stack.use(await startLoadServer(server.netns, name, joinHostPort(address, PORTS.request)));
  }
  const iperf = stack.use(
    server.netns.start(["iperf3", "--server", "--port", String(PORTS.iperf), "--forceflush"]),
  );
  await iperf.waitForLine(/listening/, 5_000);
  const programs: Background[] = [];
  const run = (argv: readonly string[]): void => void programs.push(stack.use(topology.host.start(argv)));
  await contender.start({ topology, services: makeServices(count), folder, stack, run });
  const path = {
    contender,
    client: contender.client?.(topology) ?? topology.client,
    server: server.netns,
    address: contender.balances ? MEASURED : TARGETS[0].address,
    programs: [],
  };
  await prove(path, programs, patience);
  const stand = { ...path, programs: await programsOf(topology.host, server.netns) };
  const kept = stack.move();
  return { ...stand, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Process ids of all that runs in network namespaces. */
async function programsOf(...all: readonly Netns[]): Promise<number[]> {
  const lists = await Promise.all(all.map(({ name }) => runCommand(["ip", "netns", "pids", name])));
  return lists.flatMap(({ stdout }) => stdout.split("\n").filter((line) => line !== "").map(Number));
}

/** Further addresses of the one server. */
async function addTargets({ host, backends }: Topology): Promise<void> {
  const { netns, device, ipv4 } = backends[0]!;
  for (const { address } of TARGETS.filter(({ address }) => address !== ipv4)) {
    await netns.ip([`address add ${address}/32 dev eth0`]);
    await host.ip([`route add ${address}/32 dev ${device}`]);
  }
}

/** Thousands of connections a second leave their ports in TIME_WAIT: use them again after a second. */
async function manyPorts(netns: Netns): Promise<void> {
  await netns.sysctl({ "net.ipv4.ip_local_port_range": "1024 65000", "net.ipv4.tcp_tw_reuse": 1 });
}

/** Returns when requests over TCP and UDP are answered, and by whom they should be. */
async function prove(stand: Path, programs: readonly Background[], patience: number): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      return await proveOnce(stand);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (Date.now() > deadline) {
        const words = programs.flatMap(({ lines }) => lines.slice(-10));
        throw new Error([`${stand.contender.title} does not forward: ${why}`, ...words].join("\n"));
      }
      await delay(100);
    }
  }
}

async function proveOnce(
  { contender, client, address }: Omit<Stand, typeof Symbol.asyncDispose>,
): Promise<void> {
  const to = { address, port: PORTS.request };
  const { servers } = await runLoad(client, "connect", to, 0.1);
  const wanted = TARGETS.slice(0, contender.balances ? TARGETS.length : 1).map(({ name }) => name);
  const names = Object.keys(servers).sort();
  if (names.join() !== wanted.join()) {
    throw new Error(`answers came from ${names.join(", ")}, not from ${wanted.join(", ")}`);
  }
  if (contender.noUdp === undefined) await runLoad(client, "datagram", to, 0.01);
}
