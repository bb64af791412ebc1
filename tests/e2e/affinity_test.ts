// SPDX-License-Identifier: Apache-2.0

// Clients that Services keep at their endpoints (sessionAffinity: ClientIP), while everything else changes.

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import {
  backendAddresses,
  FAMILIES,
  type Family,
  GATEWAY,
  joinHostPort,
  LISTENER_PORT,
} from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import type { Topology } from "../netns/topology.ts";
import { parseAnswer, splitHostPort } from "../netns/traffic/answer.ts";
import { type Endpoint, sendFlows, startServer } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

/** Seconds: nobody is forgotten while the test runs. */
const LONG = 86_400;

const SERVICES = ["echo-stable.yaml", "echo-canary.yaml"];

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
async function send(topology: Topology, by: Endpoint, family: Family): Promise<string[]> {
  const report = await sendFlows(topology, { protocol: "udp", family, by, flows: FLOWS });
  assertEquals([report.answered, report.failures], [FLOWS, {}], by[family]);
  return Object.keys(report.backends);
}

/** The backend that each client gets, by protocol and client. Throws when one got several. */
async function choices({ topology }: Testbed, clients: readonly Endpoint[]): Promise<Record<string, string>> {
  const of = async (by: Endpoint, family: Family): Promise<[string, string][]> => {
    const [tcp, udp] = [new Set(await connect(by, family)), new Set(await send(topology, by, family))];
    assertEquals([tcp.size, udp.size], [1, 1], `${by[family]}: ${[...tcp]}; ${[...udp]}`);
    return [[`tcp ${by[family]}`, [...tcp].join()], [`udp ${by[family]}`, [...udp].join()]];
  };
  const all = clients.flatMap((by) => FAMILIES.map((family) => of(by, family)));
  return Object.fromEntries((await Promise.all(all)).flat());
}

/** Gives the client's network namespace further addresses, each of which is a client of its own. */
async function addClients({ topology: { client } }: Testbed, count: number): Promise<Endpoint[]> {
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

networkTest("clients that Services keep at their endpoints", async (test) => {
  await using testbed = await Testbed.create({
    prepare: async (manifests) => {
      const affinity = `  sessionAffinity: ClientIP\n` +
        `  sessionAffinityConfig:\n    clientIP:\n      timeoutSeconds: ${LONG}\n`;
      for (const file of SERVICES) await manifests.edit(file, /^ {2}ports:$/, `${affinity}  ports:`);
    },
  });
  const { manifests, topology } = testbed;
  const apply = (change: () => Promise<void>): Promise<void> => testbed.blixt.apply(change);
  const all = await addClients(testbed, 6);
  const [kept, newcomers] = [all.slice(0, 3), all.slice(3)];
  const before = await choices(testbed, kept);
  let last = before;

  await test.step("stay when an endpoint comes and nearly all weight moves, which newcomers follow", async () => {
    await startServer(await topology.addBackend(4));
    const { ipv4, ipv6 } = backendAddresses(4);
    const another = (line: string, address: string): string =>
      `${line}\n  - addresses: ["${address.includes(":") ? ipv6 : ipv4}"]`;
    const last = new RegExp(
      `^  - addresses: \\["(${backendAddresses(2).ipv4}|${backendAddresses(2).ipv6})"\\]$`,
    );
    await apply(() => manifests.edit("echo-stable.yaml", last, another));
    for (const route of ["tcp-route.yaml", "udp-route.yaml"]) {
      await apply(() => manifests.edit(route, /weight: 80$/, "weight: 1"));
      await apply(() => manifests.edit(route, /weight: 20$/, "weight: 1000000"));
    }
    assertEquals(await choices(testbed, kept), before);
    assertEquals(new Set(Object.values(await choices(testbed, newcomers))), new Set(["b3"]));
    assert(Object.values(before).some((backend) => backend !== "b3"), "somebody is kept elsewhere");
  });

  for (const flags of [[], ["--clients", "5000"]]) {
    await test.step(["stay when Blixt is killed and starts again", ...flags].join(" "), async () => {
      testbed.options.flags = flags;
      await testbed.blixt.killAll();
      await testbed.restart();
      const manner = flags.length === 0 ? /took over what was there/ : /moves to maps .* affinities/;
      await testbed.blixt.program.waitForLine(manner, 1_000);
      assertEquals(await choices(testbed, kept), before);
    });
  }

  await test.step("leave an endpoint that terminates, whose connection goes on", async () => {
    const [name = "", backend = ""] = Object.entries(before).find(([name, backend]) =>
      name.startsWith("tcp") && backend !== "b3"
    ) ?? [];
    const address = name.replace("tcp ", "");
    const to = joinHostPort(GATEWAY[address.includes(":") ? "ipv6" : "ipv4"], LISTENER_PORT.tcp);
    const bind = address.includes(":") ? `[${address}]` : address;
    const talk = `(echo who; sleep 5; echo who) | socat -t 10 - TCP:${to},bind=${bind}`;
    await using connection = topology.client.start(["sh", "-c", talk]);
    const first = await connection.waitForLine(/^b\d /, 10_000);
    assertEquals(first.split(" ")[0], backend);

    const { ipv4, ipv6 } = backendAddresses(Number(backend.slice(1)));
    const endpoint = new RegExp(`^  - addresses: \\["(${ipv4}|${ipv6})"\\]$`);
    const terminating = "\n    conditions: {ready: false, serving: true, terminating: true}";
    await apply(() => manifests.edit("echo-stable.yaml", endpoint, (line) => line + terminating));
    const after = await choices(testbed, kept);
    for (const [client, chosen] of Object.entries(before)) {
      if (chosen === backend) assertNotEquals(after[client], backend, client);
      else assertEquals(after[client], chosen, client);
    }
    assertEquals(await connection.waitForLine(/^b\d /, 10_000, 1), first);
    await apply(() =>
      manifests.edit("echo-stable.yaml", new RegExp(terminating.trim().replace(/[{}]/g, "\\$&")), "")
    );
    assertEquals(await choices(testbed, kept), after, "who left does not come back");
    last = after;
  });

  await test.step("go where the table says once their time is over", async () => {
    const shorten = (file: string): Promise<void> =>
      manifests.edit(file, new RegExp(`timeoutSeconds: ${LONG}$`), "timeoutSeconds: 1");
    // The longest time of a route's Services holds.
    await shorten("echo-stable.yaml");
    assertEquals(await choices(testbed, kept), last);
    await apply(() => shorten("echo-canary.yaml"));
    await delay(1_100);
    const after = await choices(testbed, all);
    assertEquals(new Set(Object.values(after)), new Set(["b3"]));
  });
});
