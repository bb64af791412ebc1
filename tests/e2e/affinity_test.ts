// SPDX-License-Identifier: Apache-2.0

// Clients that Services keep at their endpoints (sessionAffinity: ClientIP), while everything else changes.

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { backendAddresses, GATEWAY, joinHostPort, LISTENER_PORT } from "../netns/addresses.ts";
import { Marks } from "../netns/marks.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { startServer } from "../netns/traffic.ts";
import { addClients, choices, keepClients, LONG, weigh } from "./kept_clients.ts";
import { Testbed } from "./testbed.ts";

networkTest("clients that Services keep at their endpoints", async (test) => {
  await using testbed = await Testbed.create({
    prepare: keepClients,
  });
  const { manifests, topology } = testbed;
  const apply = (change: () => Promise<void>): Promise<void> => testbed.blixt.apply(change);
  const all = await addClients(topology.client, 6);
  const [kept, newcomers] = [all.slice(0, 3), all.slice(3)];
  const before = await choices(topology, kept);
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
    await apply(() => weigh(manifests, 1, 1_000_000));
    assertEquals(await choices(topology, kept), before);
    assertEquals(new Set(Object.values(await choices(topology, newcomers))), new Set(["b3"]));
    assert(Object.values(before).some((backend) => backend !== "b3"), "somebody is kept elsewhere");
  });

  for (const flags of [[], ["--clients", "5000"]]) {
    await test.step(["stay when Blixt is killed and starts again", ...flags].join(" "), async () => {
      testbed.options.flags = flags;
      await testbed.blixt.killAll();
      await testbed.restart();
      const manner = flags.length === 0 ? /took over what was there/ : /moves to maps .* affinities/;
      await testbed.blixt.program.waitForLine(manner, 10_000);
      assertEquals(await choices(topology, kept), before);
    });
  }

  await test.step("leave an endpoint that terminates, whose connection goes on", async () => {
    const [name = "", backend = ""] = Object.entries(before).find(([name, backend]) =>
      name.startsWith("tcp") && backend !== "b3"
    ) ?? [];
    const address = name.replace("tcp ", "");
    const to = joinHostPort(GATEWAY[address.includes(":") ? "ipv6" : "ipv4"], LISTENER_PORT.tcp);
    const bind = address.includes(":") ? `[${address}]` : address;
    await using marks = await Marks.create();
    const talk = `(echo who; ${marks.wait("again")}; echo who) | socat -t 10 - TCP:${to},bind=${bind}`;
    await using connection = topology.client.start(["sh", "-c", talk]);
    const first = await connection.waitForLine(/^b\d /, 60_000);
    assertEquals(first.split(" ")[0], backend);

    const { ipv4, ipv6 } = backendAddresses(Number(backend.slice(1)));
    const endpoint = new RegExp(`^  - addresses: \\["(${ipv4}|${ipv6})"\\]$`);
    const terminating = "\n    conditions: {ready: false, serving: true, terminating: true}";
    await apply(() => manifests.edit("echo-stable.yaml", endpoint, (line) => line + terminating));
    const after = await choices(topology, kept);
    for (const [client, chosen] of Object.entries(before)) {
      if (chosen === backend) assertNotEquals(after[client], backend, client);
      else assertEquals(after[client], chosen, client);
    }
    await marks.set("again");
    assertEquals(await connection.waitForLine(/^b\d /, 60_000, 1), first);
    await apply(() =>
      manifests.edit("echo-stable.yaml", new RegExp(terminating.trim().replace(/[{}]/g, "\\$&")), "")
    );
    assertEquals(await choices(topology, kept), after, "who left does not come back");
    last = after;
  });

  await test.step("go where the table says once their time is over", async () => {
    const shorten = (file: string): Promise<void> =>
      manifests.edit(file, new RegExp(`timeoutSeconds: ${LONG}$`), "timeoutSeconds: 1");
    // The longest time of a route's Services holds.
    await shorten("echo-stable.yaml");
    assertEquals(await choices(topology, kept), last);
    await apply(() => shorten("echo-canary.yaml"));
    await delay(1_100);
    const after = await choices(topology, all);
    assertEquals(new Set(Object.values(after)), new Set(["b3"]));
  });
});
