// SPDX-License-Identifier: Apache-2.0

// The node as the client of a Gateway address that it has on an interface of its own, which is what somebody on a host
// tries first: the kernel sends such packets over loopback.

import { assert, assertEquals } from "@std/assert";
import { FAMILIES, GATEWAY, HOST, PROTOCOLS } from "../netns/addresses.ts";
import { readChecksumCounters } from "../netns/checksums.ts";
import type { ManifestFolder } from "../netns/manifest_folder.ts";
import { networkTest } from "../netns/network_test_case.ts";
import type { Topology } from "../netns/topology.ts";
import { type Endpoint, readReport, sendFlows, startServer, startTransfer } from "../netns/traffic.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { Testbed } from "./testbed.ts";

const FLOWS = 60;

/** Gives the Gateway the host's own addresses. */
async function takeHosts(manifests: ManifestFolder): Promise<void> {
  for (const family of FAMILIES) {
    await manifests.edit("gateway.yaml", new RegExp(`${GATEWAY[family]}(?="?$)`), HOST[family]);
  }
}

/** The host as a client. */
function host({ host }: Topology): Endpoint {
  return { netns: host, ...HOST };
}

for (const wiring of ["veth", "bridge"] as const) {
  for (const forwarding of [true, false]) {
    const how = `pods by ${wiring}, forwarding ${forwarding ? "on" : "off"}`;

    networkTest(`the node as a client of its own address: ${how}`, async (test) => {
      await using testbed = await Testbed.create({ wiring, forwarding, prepare: takeHosts });
      const { topology } = testbed;
      const by = host(topology);
      for (const family of FAMILIES) {
        const to = HOST[family];
        for (const protocol of PROTOCOLS) {
          await test.step(`${protocol} over ${family}`, async () => {
            const options = { protocol, family, by, to, flows: FLOWS, messages: 3, hold: true } as const;
            const report = await sendFlows(topology, options);
            assertEquals([report.answered, report.failures, report.moved], [FLOWS, {}, 0]);
            assertEquals(
              Object.keys(report.backends).sort(),
              ["b1", "b2", "b3"],
              "every backend has a share",
            );
            assertEquals(new Set(Object.values(report.clients).flat()), new Set([to]));
          });
        }
        await test.step(`a port without a listener over ${family} is the host's own`, async () => {
          const report = await sendFlows(topology, { protocol: "tcp", family, by, to, port: 4_444 });
          assertEquals(report.failures, { ConnectionRefused: 1 });
        });
        await test.step(`clients outside over ${family} are served as ever`, async () => {
          const report = await sendFlows(topology, { protocol: "tcp", family, to, flows: FLOWS });
          assertEquals([report.answered, report.failures, report.disguised], [FLOWS, {}, 0]);
        });
      }
      await test.step("no checksum that arrived was wrong", async () => {
        for (const netns of [topology.host, ...topology.backends.map(({ netns }) => netns)]) {
          assertEquals((await readChecksumCounters(netns)).wrong, 0, netns.name);
        }
      });
    });
  }
}

networkTest("the node as a client of its own address: transfers, offloads left on", async () => {
  await using testbed = await Testbed.create({ offloads: true, prepare: takeHosts });
  const { topology } = testbed;
  for (const family of FAMILIES) {
    for (const direction of ["put", "get"] as const) {
      const ends = { client: topology.host, backends: topology.backends };
      const to = HOST[family];
      const transfer = await startTransfer(ends, { direction, family, to, bytes: 200e6, seconds: 0 });
      const report = await readReport<TransferReport>(transfer);
      assert(report.unharmed, `${direction} over ${family}`);
    }
  }
});

networkTest(
  "the node as a client of its own address: a server in its own network, and refusals",
  async (test) => {
    await using testbed = await Testbed.create({ prepare: takeHosts });
    const { topology, manifests, blixt } = testbed;
    const by = host(topology);
    await using _server = await startServer({ name: "host", netns: topology.host, ...HOST });
    for (const protocol of PROTOCOLS) {
      await blixt.apply(() => manifests.edit(`${protocol}-route.yaml`, /weight: 80$/, "weight: 0"));
    }
    await blixt.apply(() => manifests.edit("echo-canary.yaml", /"10\.244\.0\.13"/, `"${HOST.ipv4}"`));
    await blixt.apply(() => manifests.edit("echo-canary.yaml", /"fd00:10:244::13"/, `"${HOST.ipv6}"`));
    for (const family of FAMILIES) {
      const to = HOST[family];
      for (const protocol of PROTOCOLS) {
        await test.step(`${protocol} over ${family}`, async () => {
          const report = await sendFlows(topology, { protocol, family, by, to, flows: FLOWS, messages: 3 });
          assertEquals([report.answered, report.failures, report.backends], [FLOWS, {}, { host: FLOWS }]);
        });
      }
    }
    await blixt.apply(() => manifests.edit("tcp-route.yaml", /weight: 20$/, "weight: 0"));
    for (const family of FAMILIES) {
      await test.step(`a refusal over ${family} is heard at once`, async () => {
        const to = HOST[family];
        const report = await sendFlows(topology, { protocol: "tcp", family, by, to });
        assertEquals(report.failures, { ConnectionRefused: 1 });
      });
    }
  },
);
