// SPDX-License-Identifier: Apache-2.0

// Each node on a client's way is a hop: the one that got the packet, and the one that has the pod, which tells the
// client itself.

import { assertEquals } from "@std/assert";
import { FAMILIES, type Family, GATEWAY, HOST, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { timeExceeded, traceroute } from "../netns/traceroute.ts";
import type { TwoNodesOptions } from "../netns/two_nodes.ts";
import { weigh } from "../e2e/kept_clients.ts";
import { TwoNodesTestbed } from "./two_nodes_testbed.ts";

for (const fabric of ["link", "routed"] satisfies TwoNodesOptions["fabric"][]) {
  networkTest(`traceroute shows both nodes on the way to a pod of the other, ${fabric}`, async (test) => {
    // West's pod alone.
    await using testbed = await TwoNodesTestbed.create({ fabric }, (manifests) => weigh(manifests, 0, 1));
    const { nodes } = testbed;
    await nodes.routeTo(nodes.east, GATEWAY);

    /** Who is on the way of both protocols, two nodes by these addresses. */
    const shows = async (family: Family, addresses: readonly string[]): Promise<void> => {
      const way = [HOST[family], ...addresses].map(timeExceeded);
      for (const protocol of PROTOCOLS) {
        assertEquals(await traceroute(nodes.client, protocol, family), [...way, "answered"], protocol);
      }
    };

    for (const family of FAMILIES) {
      await test.step(`by the Gateway's address where they do not forward, over ${family}`, async () => {
        await shows(family, [GATEWAY[family], GATEWAY[family]]);
      });
    }
    for (const node of [nodes.east, nodes.west]) await nodes.makeOrdinary(node);
    for (const family of FAMILIES) {
      await test.step(`by their own addresses where they forward, over ${family}`, async () => {
        await shows(family, [nodes.east[family], nodes.west[family]]);
      });
    }
  });
}
