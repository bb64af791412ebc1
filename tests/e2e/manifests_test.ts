// SPDX-License-Identifier: Apache-2.0

// What a user edits, and what becomes of the traffic.

import { assert, assertEquals } from "@std/assert";
import { backendAddresses, FAMILIES, type Family, type L4, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { endFlows, flowsOpen, readReport, sendFlows, startFlows } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { Testbed } from "./testbed.ts";

/** Milliseconds within which every edit is seen, however busy the machine. */
const SOON = 60_000;

async function backendsOf(testbed: Testbed, protocol: L4, family: Family, flows = 200): Promise<string[]> {
  const report = await sendFlows(testbed.topology, { protocol, family, flows });
  assertEquals([report.answered, report.failures], [flows, {}]);
  return Object.keys(report.backends);
}

networkTest("edited manifests", async (test) => {
  await using testbed = await Testbed.create();
  const { manifests, topology } = testbed;

  await test.step("a weight of 0 takes a Service out, and back", async () => {
    for (const protocol of PROTOCOLS) {
      const file = `${protocol}-route.yaml`;
      await testbed.blixt.apply(() => manifests.edit(file, /weight: 80$/, "weight: 0"));
      for (const family of FAMILIES) assertEquals(await backendsOf(testbed, protocol, family), ["b3"]);
      await testbed.blixt.apply(() => manifests.edit(file, /weight: 0$/, "weight: 80"));
      assertEquals(await backendsOf(testbed, protocol, "ipv4"), ["b1", "b2", "b3"]);
    }
  });

  await test.step("an endpoint that leaves loses nothing on the other backends", async () => {
    const before = await manifests.read("echo-stable.yaml");
    const { ipv4, ipv6 } = backendAddresses(2);
    const endpoints = new RegExp(`^  - addresses: \\["(${ipv4}|${ipv6})"\\]\n`);
    const storms = FAMILIES.map((family) =>
      startFlows(topology, { protocol: "tcp", family, seconds: 60, concurrency: 10, interval: 5 })
    );
    const held = startFlows(topology, {
      protocol: "udp",
      family: "ipv4",
      flows: 90,
      hold: true,
      messages: 10,
      interval: 200,
    });
    await Promise.all([...storms, held].map(flowsOpen));
    await testbed.blixt.apply(() => manifests.edit("echo-stable.yaml", endpoints, ""));
    for (const family of FAMILIES) assertEquals(await backendsOf(testbed, "tcp", family), ["b1", "b3"]);
    for (const storm of storms) {
      endFlows(storm);
      const { flows, answered, failures } = await readReport<FlowReport>(storm);
      // Connections to the endpoint that left may end, ten at most; no other may.
      assert(flows > 200 && answered >= flows - 10, `${flows} connections: ${JSON.stringify(failures)}`);
    }
    const { backends, failures } = await readReport<FlowReport>(held);
    const lost = Object.values(failures).reduce((sum, flows) => sum + flows, 0);
    assert(lost <= (backends["b2"] ?? 0), `${lost} flows lost, of which ${backends["b2"]} were of b2`);
    await testbed.blixt.apply(() => manifests.write("echo-stable.yaml", before));
  });

  await test.step("broken YAML and unknown fields keep the last good state", async () => {
    for (const broken of ["kind: [", "apiVersion: v1\nkind: Nonsense\nmetadata: {name: x}\n"]) {
      const before = await manifests.read("tcp-route.yaml");
      const { program } = testbed.blixt;
      const from = program.lines.length;
      await manifests.write("tcp-route.yaml", broken);
      await program.waitForLine(/tcp-route\.yaml/, SOON, from);
      assertEquals(await backendsOf(testbed, "tcp", "ipv4"), ["b1", "b2", "b3"]);
      assertEquals(await backendsOf(testbed, "udp", "ipv6"), ["b1", "b2", "b3"]);
      await manifests.write("tcp-route.yaml", before);
      await program.waitForLine(/^solved: .*tcp-route\.yaml/, SOON, from);
    }
  });

  await test.step("a Gateway that is deleted stops its traffic", async () => {
    await testbed.blixt.apply(() => manifests.edit("gateway.yaml", /^---\n[^]*/, ""));
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        const report = await sendFlows(topology, { protocol, family, flows: 5, timeout: 400 });
        assertEquals(report.answered, 0);
      }
    }
  });
});
