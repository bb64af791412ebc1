// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { FAMILIES, GATEWAY, joinHostPort, LISTENER_PORT, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendFlows } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

/** Addresses of the client's own network that no interface has. */
const ON_LINK = { ipv4: "198.51.100.10", ipv6: "2001:db8:c::10" };

networkTest("an address of the client's own network is found although no interface has it", async () => {
  await using testbed = await Testbed.create({
    prepare: async (manifests) => {
      for (const family of FAMILIES) {
        await manifests.edit("gateway.yaml", new RegExp(`${GATEWAY[family]}(?="?$)`), ON_LINK[family]);
      }
    },
  });
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      const report = await sendFlows(testbed.topology, { protocol, family, to: ON_LINK[family], flows: 50 });
      assertEquals([report.answered, report.failures], [50, {}]);
      assertEquals(report.sources, [joinHostPort(ON_LINK[family], LISTENER_PORT[protocol])]);
    }
  }
});
