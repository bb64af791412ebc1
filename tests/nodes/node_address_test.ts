// SPDX-License-Identifier: Apache-2.0

// A Gateway that names an address which one of two hosts has for its own: that host takes what is for the listeners, and
// whatever else listens at the address stays in everybody's reach.

import { assertEquals } from "@std/assert";
import { canonicalIp } from "../../controlplane/api/ip.ts";
import { CLIENT, FAMILIES, GATEWAY, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendFlows, startServer } from "../netns/traffic.ts";
import { FABRICS } from "../netns/two_nodes.ts";
import { TwoNodesTestbed } from "./two_nodes_testbed.ts";

/** A port that no listener has. */
const OWN_PORT = 7_000;

const FLOWS = 20;

for (const options of FABRICS.filter(({ offloads = false }) => !offloads)) {
  networkTest(`a Gateway at a node's own address, ${JSON.stringify(options)}`, async (test) => {
    await using testbed = await TwoNodesTestbed.create(options);
    const { nodes, manifests } = testbed;
    const { east, west } = nodes;
    // The network knows where pods are, as in any cluster.
    for (const node of [east, west]) await nodes.makeOrdinary(node);
    await using _server = await startServer(west, OWN_PORT);
    for (const family of FAMILIES) {
      const [held, own] = [GATEWAY[family], west[family]];
      await testbed.apply(() => manifests.edit("gateway.yaml", new RegExp(`${held}(?="?$)`), own));
    }

    for (const family of FAMILIES) {
      const to = west[family];
      for (const protocol of PROTOCOLS) {
        const flows = { protocol, family, to, flows: FLOWS } as const;
        await test.step(`the listener is there for a client, ${protocol} over ${family}`, async () => {
          const report = await sendFlows(nodes, flows);
          assertEquals([report.answered, report.failures], [FLOWS, {}]);
          // The pod on the other node sees this one, which it has to answer.
          const [client, node] = [[CLIENT[family]], [canonicalIp(to)!]];
          assertEquals(report.clients, { b1: node, b2: client, b3: client });
        });
        for (const [who, by] of [["a client", undefined], ["the other node", east]] as const) {
          await test.step(`${who} reaches what else is there, ${protocol} over ${family}`, async () => {
            const report = await sendFlows(nodes, { ...flows, port: OWN_PORT, ...(by && { by }) });
            assertEquals([report.backends, report.failures], [{ west: FLOWS }, {}]);
          });
        }
      }
    }
  });
}
