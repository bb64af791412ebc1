// SPDX-License-Identifier: Apache-2.0

// A narrow link somewhere behind the balancer or before it. TCP finds out by the ICMP errors of the router, whose
// embedded headers only the balancer can put right, or by trying where there are none.

import { assert, assertEquals } from "@std/assert";
import { FAMILIES } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { forgetPaths, readTooLarge } from "../netns/path_mtu.ts";
import { insertRouter } from "../netns/router.ts";
import { readReport, startTransfer } from "../netns/traffic.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { Testbed } from "./testbed.ts";

/** Bytes that a packet may have on the narrow link; IPv6 needs 1,280. */
const MTU = 1_300;

/** Enough for many packets of 1,500 bytes. */
const BYTES = 500_000;

for (const side of ["client", "pod"] as const) {
  for (const silent of [false, true]) {
    const name = silent ? "silent: TCP probes for what passes" : "tells: path MTU discovery";
    networkTest(`a narrow link on the ${side}'s side whose router is ${name}`, async (test) => {
      await using testbed = await Testbed.create({
        backends: side === "pod" ? 1 : 3,
        forwarding: true,
        prepare: async (manifests) => {
          if (side === "client") return;
          await manifests.edit("tcp-route.yaml", /weight: 20$/, "weight: 0");
          await manifests.edit("echo-stable.yaml", /^ +- addresses: \[".*12"\]\n/, "");
        },
        wire: async (topology) => {
          await insertRouter(topology, { side, mtu: MTU, silent });
          for (const netns of [topology.client, ...topology.backends.map(({ netns }) => netns)]) {
            // Whoever hears nothing of lost packets starts to probe after the first loss, not the third.
            const probing = silent ? { "net.ipv4.tcp_mtu_probing": 1, "net.ipv4.tcp_retries1": 1 } : {};
            await netns.sysctl({ "net.ipv4.tcp_mtu_probing": 0, ...probing });
          }
        },
      });
      const { client, backends } = testbed.topology;
      const pods = backends.map(({ netns }) => netns);
      for (const family of FAMILIES) {
        for (const direction of ["put", "get"] as const) {
          await test.step(`${direction} over ${family}`, async () => {
            for (const netns of [client, ...pods]) await forgetPaths(netns);
            const senders = direction === "put" ? [client] : pods;
            const before = await readTooLarge(senders);
            const transfer = await startTransfer(testbed.topology, {
              direction,
              family,
              bytes: BYTES,
              seconds: 0,
            });
            const report = await readReport<TransferReport>(transfer);
            assert(report.unharmed);
            assertEquals(await readTooLarge(senders) > before, !silent, "whether the sender has heard of it");
          });
        }
      }
    });
  }
}
