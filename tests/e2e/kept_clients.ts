// SPDX-License-Identifier: Apache-2.0

// Clients that Services keep at their endpoints, and whom each of them gets.

import { assertEquals } from "@std/assert";
import { FAMILIES, type Family, GATEWAY, joinHostPort, LISTENER_PORT } from "../netns/addresses.ts";
import type { ManifestFolder } from "../netns/manifest_folder.ts";
import type { Netns } from "../netns/netns.ts";
import type { Topology } from "../netns/topology.ts";
import { parseAnswer, splitHostPort } from "../netns/traffic/answer.ts";
import { type Endpoint, sendFlows } from "../netns/traffic.ts";

/** Seconds: nobody is forgotten while the test runs. */
export const LONG = 86_400;

/** Files of the sample with the Services of both routes. */
export const SERVICES = ["echo-stable.yaml", "echo-canary.yaml"];

type Ends = Pick<Topology, "client" | "backends">;

/** Makes the Services keep their clients. */
export async function keepClients(manifests: ManifestFolder): Promise<void> {
  const affinity = "  sessionAffinity: ClientIP\n" +
    `  sessionAffinityConfig:\n    clientIP:\n      timeoutSeconds: ${LONG}\n`;
  for (const file of SERVICES) await manifests.edit(file, /^ {2}ports:$/, `${affinity}  ports:`);
}

/** Gives the Services of both routes these weights. */
export async function weigh(manifests: ManifestFolder, stable: number, canary: number): Promise<void> {
  for (const route of ["tcp-route.yaml", "udp-route.yaml"]) {
    const weights = [stable, canary];
    await manifests.edit(route, /weight: \d+$/, () => `weight: ${weights.shift()}`);
  }
}

/** Flows of each client, protocol and family. */
const FLOWS = 3;

/** Opens connections one after the other; returns the backends that answered. */
async function connect(by: Endpoint, family: Family): Promise<string[]> {
  const from = by[family];
  const to = `TCP:${joinHostPort(GATEWAY[family], LISTENER_PORT.tcp)},bind=${
    family === "ipv4" ? from : `[${from}]`
  }`;
  const backends: string[] = [];
  for (let flow = 0; flow < FLOWS; flow++) {
    const { stdout } = await by.netns.run(["socat", "-t", "10", "-", to], { input: "who\n" });
    const { backend, client } = parseAnswer(stdout.trim()) ?? {};
    assertEquals(splitHostPort(client ?? "").address, from, stdout);
    backends.push(backend ?? "");
  }
  return backends;
}

/** Sends datagrams from as many ports; returns the backends that answered. */
async function send(topology: Ends, by: Endpoint, family: Family): Promise<string[]> {
  const report = await sendFlows(topology, { protocol: "udp", family, by, flows: FLOWS });
  assertEquals([report.answered, report.failures], [FLOWS, {}], by[family]);
  return Object.keys(report.backends);
}

/** The backend that each client gets, by protocol and client. Throws when one got several. */
export async function choices(topology: Ends, clients: readonly Endpoint[]): Promise<Record<string, string>> {
  const of = async (by: Endpoint, family: Family): Promise<[string, string][]> => {
    const [tcp, udp] = [new Set(await connect(by, family)), new Set(await send(topology, by, family))];
    assertEquals([tcp.size, udp.size], [1, 1], `${by[family]}: ${[...tcp]}; ${[...udp]}`);
    return [[`tcp ${by[family]}`, [...tcp].join()], [`udp ${by[family]}`, [...udp].join()]];
  };
  const all = clients.flatMap((by) => FAMILIES.map((family) => of(by, family)));
  return Object.fromEntries((await Promise.all(all)).flat());
}

/** Gives a client's network namespace further addresses, each of which is a client of its own. */
export async function addClients(client: Netns, count: number): Promise<Endpoint[]> {
  const clients = Array.from({ length: count }, (_, index) => ({
    netns: client,
    ipv4: `198.51.100.${100 + index}`,
    ipv6: `2001:db8:c::${100 + index}`,
  }));
  await client.ip(clients.flatMap(({ ipv4, ipv6 }) => [
    `address add ${ipv4}/24 dev eth0`,
    `address add ${ipv6}/64 dev eth0 nodad`,
  ]));
  return clients;
}
