// SPDX-License-Identifier: Apache-2.0

// Two hosts with a Blixt each and the same manifests, in which they are Nodes:
// whichever gets a packet brings it to the pod, and the pod's node answers.

import { assertEquals } from "@std/assert";
import { CLIENT, FAMILIES, GATEWAY, PROTOCOLS } from "../netns/addresses.ts";
import { readChecksumCounters } from "../netns/checksums.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendFlows } from "../netns/traffic.ts";
import { transfer } from "../netns/transfer.ts";
import { FABRICS } from "../netns/two_nodes.ts";
import { listenerAddress } from "../e2e/testbed.ts";
import { TwoNodesTestbed } from "./two_nodes_testbed.ts";

for (const options of FABRICS) {
  networkTest(`two nodes, ${JSON.stringify(options)}`, async (test) => {
    await using testbed = await TwoNodesTestbed.create(options);
    const { nodes, blixts } = testbed;

    for (const node of [nodes.east, nodes.west]) {
      await test.step(`${node.name} brings flows to the pods of both, which see the client`, async () => {
        await nodes.routeTo(node, GATEWAY);
        for (const family of FAMILIES) {
          for (const protocol of PROTOCOLS) {
            const report = await sendFlows(nodes, { protocol, family, flows: 60, messages: 2 });
            assertEquals([report.answered, report.failures], [60, {}], `${protocol} over ${family}`);
            const seen = CLIENT[family];
            assertEquals(report.clients, { b1: [seen], b2: [seen], b3: [seen] });
            assertEquals([report.moved, report.disguised], [0, 0]);
            assertEquals(report.sources, [listenerAddress(protocol, family)]);
          }
        }
      });

      await test.step(`${node.name} passes long packets on, or tells the client to send shorter ones`, async () => {
        // Enough connections for both nodes to be met.
        const all = Array.from({ length: 6 }, () => FAMILIES).flat();
        await Promise.all(all.map((family) => transfer(nodes, { family, bytes: 2_000_000 })));
      });
    }

    await test.step("connections survive packets that take turns between the nodes", async () => {
      await nodes.alternate(GATEWAY);
      for (const family of FAMILIES) {
        const report = await sendFlows(nodes, { protocol: "tcp", family, flows: 30, messages: 6 });
        assertEquals([report.answered, report.failures, report.moved], [30, {}, 0]);
        await Promise.all(Array.from({ length: 4 }, () => transfer(nodes, { family, bytes: 2_000_000 })));
      }
    });

    await test.step("a connection survives that one node's Blixt is killed and the other gets its packets", async () => {
      await nodes.routeTo(nodes.east, GATEWAY);
      await transfer(nodes, { family: "ipv4", seconds: 4 }, async () => {
        await blixts.east.killAll();
        await nodes.routeTo(nodes.west, GATEWAY);
      });
    });

    if (!("offloads" in options)) {
      await test.step("every checksum was right, at the pods and at the client", async () => {
        for (const netns of [nodes.client, ...nodes.backends.map((backend) => backend.netns)]) {
          assertEquals((await readChecksumCounters(netns)).wrong, 0, netns.name);
        }
      });
    }
  });
}
