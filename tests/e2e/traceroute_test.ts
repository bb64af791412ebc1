// SPDX-License-Identifier: Apache-2.0

// Who looks for the way to a backend finds the node on it, and who pings a Gateway's address finds it at the end.

import { assertEquals } from "@std/assert";
import { FAMILIES, GATEWAY, HOST, POD_GATEWAY, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { BEHIND, insertRouter } from "../netns/router.ts";
import { allowPings, timeExceeded, traceroute } from "../netns/traceroute.ts";
import { Testbed } from "./testbed.ts";

for (const forwarding of [true, false]) {
  const how = forwarding ? "that forwards, by its own address" : "that does not, by the Gateway's";
  networkTest(`traceroute shows the router and a host ${how}`, async (test) => {
    await using testbed = await Testbed.create({
      forwarding,
      wire: async (topology) => {
        await insertRouter(topology, { side: "client", mtu: 1_500, silent: false });
      },
    });
    const { client } = testbed.topology;
    await allowPings(client);
    for (const family of FAMILIES) {
      const router = timeExceeded(HOST[family]);
      const node = timeExceeded((forwarding ? BEHIND : GATEWAY)[family]);
      for (const protocol of PROTOCOLS) {
        await test.step(`on the way of ${protocol} over ${family}`, async () => {
          assertEquals(await traceroute(client, protocol, family), [router, node, "answered"]);
        });
      }
      await test.step(`on the way of pings over ${family}, which the node answers`, async () => {
        assertEquals(await traceroute(client, "icmp", family), [router, "answered"]);
      });
    }
  });
}

networkTest("traceroute shows the host to a pod on it", async (test) => {
  await using testbed = await Testbed.create({ forwarding: true });
  const pod = testbed.topology.backends[0]!;
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      await test.step(`${protocol} over ${family}`, async () => {
        const [node, ...rest] = await traceroute(pod.netns, protocol, family);
        assertEquals([node, rest], [timeExceeded(POD_GATEWAY[family]), ["answered"]]);
      });
    }
  }
});
