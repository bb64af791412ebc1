// SPDX-License-Identifier: Apache-2.0

// Two nodes that keep clients, each those whose packets it saw, and do not tell each other.

import { assertEquals } from "@std/assert";
import { GATEWAY } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import type { TwoNodesOptions } from "../netns/two_nodes.ts";
import { addClients, choices, keepClients, weigh } from "../e2e/kept_clients.ts";
import { TwoNodesTestbed } from "./two_nodes_testbed.ts";

for (const fabric of ["link", "routed"] satisfies TwoNodesOptions["fabric"][]) {
  networkTest(`clients that two nodes keep, ${fabric}`, async (test) => {
    await using testbed = await TwoNodesTestbed.create({ fabric }, async (manifests) => {
      await keepClients(manifests);
      // Nearly all of b3, which is west's.
      await weigh(manifests, 1, 1_000_000);
    });
    const { nodes, manifests } = testbed;
    const all = await addClients(nodes.client, 6);
    const [kept, newcomers] = [all.slice(0, 3), all.slice(3)];
    const backends = (choices: Record<string, string>): Set<string> => new Set(Object.values(choices));

    await test.step("stay by either, on the other's pod, when the weights change", async () => {
      await nodes.routeTo(nodes.east, GATEWAY);
      assertEquals(backends(await choices(nodes, kept)), new Set(["b3"]));
      await testbed.apply(() => weigh(manifests, 1_000_000, 1));
      for (const node of [nodes.east, nodes.west]) {
        await nodes.routeTo(node, GATEWAY);
        assertEquals(backends(await choices(nodes, kept)), new Set(["b3"]), node.name);
      }
    });

    await test.step("get the same from a node that does not know them, as long as nothing changes", async () => {
      const there = await choices(nodes, newcomers);
      assertEquals(backends(there), new Set(["b1", "b2"]));
      await nodes.routeTo(nodes.east, GATEWAY);
      assertEquals(await choices(nodes, newcomers), there);
    });

    // A packet that was in a tunnel cannot enter another one while it stays on one machine: veths keep the mark that the
    // kernel sets (EALREADY of bpf_skb_adjust_room()).
    if (fabric === "routed") return;

    await test.step("get through at once where one has forgotten them, and would send them to the other", async () => {
      await testbed.blixts.west.stop();
      await testbed.startOn("west");
      await nodes.routeTo(nodes.west, GATEWAY);
      // East remembers that b3 is theirs, west goes by the table, by which b1 of east is for some.
      const after = await choices(nodes, kept);
      assertEquals(backends(after), new Set(["b1", "b2"]));
      assertEquals(await choices(nodes, kept), after);
    });
  });
}
