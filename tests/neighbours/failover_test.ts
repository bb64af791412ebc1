// SPDX-License-Identifier: Apache-2.0

// An address moves from a node that died to one that lives on: how long new connections wait from the moment that the
// other node takes it, and that connections go on whose backend lives on. How long it takes to notice a death is the
// Leases' matter; tests/conformance has a test of both together on a real cluster (GatewayAddressMovesWithNode).

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { buildAll } from "../../controlplane/tasks/build.ts";
import type { DesiredDataplane, DesiredService } from "../../controlplane/translate/desired.ts";
import { poll } from "../cluster/poll.ts";
import { type DualStack, FAMILIES, type Family, LISTENER_PORT, TARGET_PORT } from "../netns/addresses.ts";
import { BareNode } from "../netns/bare_node.ts";
import type { Netns } from "../netns/netns.ts";
import { readSnmp } from "../netns/checksums.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { countRepeatedSyns } from "../netns/repeated_syns.ts";
import { endFlows, flowsOpen, readReport, sendFlows, startFlows, startServers } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { type ClusterNode, TwoNodes } from "../netns/two_nodes.ts";

/** On the link of both nodes, and no interface has it. */
const ADDRESS: DualStack = { ipv4: "172.30.0.100", ipv6: "fd00:30::100" };

/** How each connection of before goes on: a question every 200 ms, for two minutes unless it is told to end. */
const QUESTIONS = { flows: 30, hold: true, messages: 600, interval: 200 } as const;

/** Milliseconds that a node may be dead before the other takes its addresses. */
const UNNOTICED = 1_000;

/** What a node is to do: its own pods, those of the other by way of that node. */
function stateOf({ west, backends }: TwoNodes, self: ClusterNode, isAnnouncing: boolean): DesiredDataplane {
  const pods = backends.filter(({ name }) => name !== "b1");
  const services = FAMILIES.map((family): DesiredService => ({
    address: ADDRESS[family],
    port: LISTENER_PORT.tcp,
    protocol: "TCP",
    listener: "Gateway test/moving, listener tcp",
    groups: [{
      name: "Service test/echo",
      weight: 1,
      endpoints: pods.map((pod) => ({
        address: pod[family],
        port: TARGET_PORT,
        draining: false,
        ...(self !== west && { node: west[family] }),
      })),
    }],
    affinitySeconds: 0,
  }));
  return { services, announced: isAnnouncing ? FAMILIES.map((family) => ADDRESS[family]) : [] };
}

/** True when a router takes the address for one of a node. */
async function believes(router: Netns, { netns }: ClusterNode, family: Family): Promise<boolean> {
  const link = await netns.run(["ip", "-json", "link", "show", "dev", "eth0"]);
  const { address } = JSON.parse(link.stdout)[0];
  const { stdout } = await router.run(["ip", "-json", "neigh", "show", ADDRESS[family]]);
  return JSON.parse(stdout || "[]")[0]?.lladdr === address;
}

networkTest(
  "an address moves from a node that died, with the connections whose backend lives on",
  async (test) => {
    await buildAll();
    await using nodes = await TwoNodes.create({ fabric: "link" });
    const { east, west, router } = nodes;
    await startServers(nodes);
    await using first = await BareNode.start(east.netns);
    await using second = await BareNode.start(west.netns);
    const options = { limits: { flows: 10_000 }, interfaces: ["eth0"] };
    await first.run(stateOf(nodes, east, true), options);
    await second.run(stateOf(nodes, west, false), options);

    for (const family of FAMILIES) {
      await test.step(`${family}: nobody is cut off for longer than nobody notices`, async () => {
        const flows = { protocol: "tcp", family, to: ADDRESS[family] } as const;
        const held = startFlows(nodes, { ...flows, ...QUESTIONS });
        await flowsOpen(held);
        assert(await believes(router, east, family), "the first node has the address");

        const repeats = async (): Promise<number> => (await readSnmp(nodes.client)).get("Tcp.RetransSegs")!;
        const none = await repeats();
        await router.ip(["link set east0 down"]);
        await delay(UNNOTICED);
        const unanswered = async (): Promise<boolean> => await repeats() > none;
        assertEquals(
          await poll({ ready: unanswered, patience: 60_000 }),
          "ready",
          "nobody misses the node that died",
        );
        const before = await countRepeatedSyns(nodes.client);
        await second.set(stateOf(nodes, west, true));
        const one = await sendFlows(nodes, { ...flows, flows: 1 });
        assertEquals([one.answered, one.failures], [1, {}]);
        // The first is repeated after one second, the second two seconds later.
        const repeated = await countRepeatedSyns(nodes.client) - before;
        assert(repeated <= 1, `a new connection took ${repeated} SYNs more`);

        endFlows(held);
        const report = await readReport<FlowReport>(held);
        assertEquals([report.answered, report.failures, report.moved], [QUESTIONS.flows, {}, 0]);
        console.log(
          `${family}: new ones after ${one.slowestConnect} ms, those of before after ${report.slowestAnswer} ms at most`,
        );

        await second.set(stateOf(nodes, west, false));
        // Asked for by name, a veth's carrier is there at once, and what the node says is heard.
        await router.ip(["link set east0 up", "link show dev east0"]);
        await east.netns.ip(["link show dev eth0"]);
        await first.set(stateOf(nodes, east, false));
        await first.set(stateOf(nodes, east, true));
        const ready = () => believes(router, east, family);
        assertEquals(
          await poll({ ready, patience: 60_000 }),
          "ready",
          "the router knows the first node again",
        );
        const back = await sendFlows(nodes, { ...flows, flows: 10 });
        assertEquals([back.answered, back.failures], [10, {}]);
      });
    }
  },
);
