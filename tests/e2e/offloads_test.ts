// SPDX-License-Identifier: Apache-2.0

// As on most machines: checksums are left to the device, and segments reach
// the host joined into packets far beyond the MTU.

import { assert, assertEquals } from "@std/assert";
import { CLIENT, FAMILIES, GATEWAY, LISTENER_PORT, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { readReport, sendFlows, startTransfer } from "../netns/traffic.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { Testbed } from "./testbed.ts";

for (const wiring of ["veth", "bridge"] as const) {
  networkTest(`offloads left on, pods by ${wiring}: flows and transfers are whole`, async () => {
    await using testbed = await Testbed.create({ wiring, offloads: true });
    const { topology } = testbed;
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        const report = await sendFlows(topology, { protocol, family, flows: 100, messages: 2 });
        assertEquals([report.answered, report.moved, report.disguised, report.failures], [100, 0, 0, {}]);
      }
      for (const direction of ["put", "get"] as const) {
        const transfer = await startTransfer(topology, { direction, family, bytes: 200e6, seconds: 0 });
        const report = await readReport<TransferReport>(transfer);
        assert(report.unharmed, `${direction} over ${family}`);
      }
    }
  });
}

/** What `iperf3 --json` says of a test, as far as it matters here. */
interface Iperf {
  readonly error?: string;
  readonly end: { readonly sum_received: { readonly bytes: number } };
}

networkTest("iperf3 measures through the Gateway, in both directions", async () => {
  await using testbed = await Testbed.create({
    offloads: true,
    prepare: async (manifests) => {
      // Both connections of a test must reach the same server: one backend, on a port of its own.
      await manifests.edit("tcp-route.yaml", /weight: 20$/, "weight: 0");
      await manifests.edit("echo-stable.yaml", /^ +- addresses: \[".*12"\]\n/, "");
      await manifests.edit("echo-stable.yaml", /port: 9000$/, "port: 9100");
    },
  });
  const { client, backends } = testbed.topology;
  const server = backends[0]!.netns.start(["iperf3", "--server", "--port", "9100", "--forceflush"]);
  await server.waitForLine(/listening/, 60_000);
  for (const family of FAMILIES) {
    for (const direction of [[], ["--reverse"]]) {
      const target = [
        "--client",
        GATEWAY[family],
        "--port",
        String(LISTENER_PORT.tcp),
        "--bind",
        CLIENT[family],
      ];
      const { stdout } = await client.run(["iperf3", ...target, "--time", "1", "--json", ...direction], {
        tolerant: true,
      });
      const { error, end } = JSON.parse(stdout) as Iperf;
      assertEquals(error, undefined);
      assert(end.sum_received.bytes > 10_000_000, `${end.sum_received.bytes} bytes in a second`);
    }
  }
}, ["iperf3"]);
