// SPDX-License-Identifier: Apache-2.0

// What the old Blixt got wrong, all at once: the host forwards nothing by
// itself, a masquerade rule waits for replies, ports differ on both sides, and
// every receiver verifies every checksum.

import { assert, assertEquals } from "@std/assert";
import { CLIENT, FAMILIES, PROTOCOLS } from "../netns/addresses.ts";
import { readChecksumCounters } from "../netns/checksums.ts";
import { readMasqueraded } from "../netns/masquerade.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendFlows } from "../netns/traffic.ts";
import { listenerAddress, Testbed } from "./testbed.ts";

/** More than the 128 entries of the old flow table, all open at the same time. */
const FLOWS = 400;

for (const wiring of ["veth", "bridge"] as const) {
  networkTest(`forwarding to pods by ${wiring}`, async (test) => {
    await using testbed = await Testbed.create({ wiring });
    const { topology } = testbed;

    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        await test.step(`${protocol} over ${family}: ${FLOWS} flows at once, each with its own backend`, async () => {
          const report = await sendFlows(topology, {
            protocol,
            family,
            flows: FLOWS,
            hold: true,
            messages: 4,
            interval: 250,
          });
          assertEquals([report.answered, report.failures], [FLOWS, {}]);
          assertEquals(report.moved, 0, "a flow changed its backend");
          assertEquals(report.disguised, 0, "a backend saw another client");
          const seen = CLIENT[family];
          assertEquals(report.clients, { b1: [seen], b2: [seen], b3: [seen] });
          assertEquals(report.sources, [listenerAddress(protocol, family)]);
        });
      }
    }

    await test.step("every checksum was right, at the backends and at the client", async () => {
      for (const netns of [topology.client, ...topology.backends.map(({ netns }) => netns)]) {
        const counters = await readChecksumCounters(netns);
        assertEquals(counters.wrong, 0, netns.name);
        const { tcpReceived, udpReceived, udp6Received } = counters;
        assert(tcpReceived > 0 && udpReceived > 0 && udp6Received > 0, `${netns.name} received nothing`);
      }
    });

    await test.step("no packet of a flow came as far as the masquerade rule", async () => {
      assertEquals(await readMasqueraded(topology.host), 0);
    });
  });
}

networkTest("forwarding with --interface naming the outward interface", async () => {
  await using testbed = await Testbed.create({ interfaces: ["eth0"] });
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      const report = await sendFlows(testbed.topology, { protocol, family, flows: 30 });
      assertEquals([report.answered, report.failures], [30, {}]);
    }
  }
});
