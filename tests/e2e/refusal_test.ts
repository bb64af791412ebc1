// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { FAMILIES, PROTOCOLS } from "../netns/addresses.ts";
import { readIcmpErrors } from "../netns/icmp.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { countRepeatedSyns } from "../netns/repeated_syns.ts";
import { sendFlows } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

networkTest("flows that a route cannot serve are refused", async (test) => {
  await using testbed = await Testbed.create();
  const { manifests, topology } = testbed;

  await test.step("an invalid backendRef keeps its share, which is refused", async () => {
    for (const protocol of PROTOCOLS) {
      await testbed.blixt.apply(() =>
        manifests.edit(`${protocol}-route.yaml`, /name: echo-stable$/, "name: missing")
      );
    }
    await Promise.all(FAMILIES.map(async (family) => {
      const tcp = await sendFlows(topology, { protocol: "tcp", family, flows: 400 });
      const refused = tcp.failures["ConnectionRefused"] ?? 0;
      assertEquals(tcp.answered + refused, 400, JSON.stringify(tcp.failures));
      // Weight 80 of 100; 12 points are six standard deviations.
      assert(Math.abs(refused / 400 - 0.8) < 0.12, `${refused} of 400 refused`);
      const udp = await sendFlows(topology, {
        protocol: "udp",
        family,
        flows: 400,
        concurrency: 400,
        timeout: 2_000,
      });
      const silent = udp.failures["TimedOut"] ?? 0;
      assertEquals(udp.answered + silent, 400, JSON.stringify(udp.failures));
      assert(Math.abs(silent / 400 - 0.8) < 0.12, `${silent} of 400 in silence`);
    }));
  });

  await test.step("TCP is refused at once, UDP without a word", async () => {
    for (const protocol of PROTOCOLS) {
      await testbed.blixt.apply(() =>
        manifests.edit(`${protocol}-route.yaml`, /name: echo-canary$/, "name: gone")
      );
    }
    for (const family of FAMILIES) {
      const icmp = await readIcmpErrors(topology.client);
      const tcp = await sendFlows(topology, { protocol: "tcp", family, flows: 100 });
      assertEquals(tcp.failures, { ConnectionRefused: 100 });
      assertEquals(await countRepeatedSyns(topology.client), 0);
      const udp = await sendFlows(topology, { protocol: "udp", family, flows: 50, timeout: 400 });
      assertEquals(udp.failures, { TimedOut: 50 });
      assertEquals(await readIcmpErrors(topology.client) - icmp, 0);
    }
  });
});
