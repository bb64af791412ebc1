// SPDX-License-Identifier: Apache-2.0

// The smallest and the largest segments that TCP has, both ways.

import { assert } from "@std/assert";
import { type DualStack, FAMILIES, HOST, POD_GATEWAY } from "../netns/addresses.ts";
import { readChecksumCounters, readSnmp } from "../netns/checksums.ts";
import type { Netns } from "../netns/netns.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { OUTWARD, type Topology } from "../netns/topology.ts";
import { readReport, startTransfer } from "../netns/traffic.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { Testbed } from "./testbed.ts";

const BYTES = 300_000;

/** Makes one end ask for such segments, by its route. */
async function advertise(netns: Netns, next: DualStack, size: number): Promise<void> {
  await netns.ip([
    `route replace default via ${next.ipv4} advmss ${size}`,
    `route replace default via ${next.ipv6} advmss ${size}`,
  ]);
}

/** Makes every interface take frames of that many bytes. */
async function widen({ client, host, backends }: Topology, mtu: number): Promise<void> {
  await client.ip([`link set eth0 mtu ${mtu}`]);
  await host.ip(
    [OUTWARD, ...backends.map(({ device }) => device)].map((name) => `link set ${name} mtu ${mtu}`),
  );
  for (const { netns } of backends) await netns.ip([`link set eth0 mtu ${mtu}`]);
}

/** TCP segments that came to some network namespaces. */
async function received(all: readonly Netns[]): Promise<number> {
  const each = await Promise.all(all.map(async (netns) => (await readSnmp(netns)).get("Tcp.InSegs")!));
  return each.reduce((sum, count) => sum + count);
}

/** Each size with how to come to it, and the mean size of a segment's data that shows it. */
const SIZES = {
  "88 bytes": {
    wire: async ({ client, backends }: Topology): Promise<void> => {
      await advertise(client, HOST, 88);
      for (const { netns } of backends) await advertise(netns, POD_GATEWAY, 88);
    },
    least: 40,
    most: 88,
  },
  "9,000 bytes": { wire: (topology: Topology) => widen(topology, 9_000), least: 4_000, most: 9_000 },
};

for (const [size, { wire, least, most }] of Object.entries(SIZES)) {
  networkTest(`segments of at most ${size} arrive whole, both ways`, async (test) => {
    await using testbed = await Testbed.create({ wire });
    const { topology } = testbed;
    const pods = topology.backends.map(({ netns }) => netns);
    for (const family of FAMILIES) {
      for (const direction of ["put", "get"] as const) {
        await test.step(`${direction} over ${family}`, async () => {
          const receivers = direction === "put" ? pods : [topology.client];
          const before = await received(receivers);
          const transfer = await startTransfer(topology, { direction, family, bytes: BYTES, seconds: 0 });
          assert((await readReport<TransferReport>(transfer)).unharmed);
          const mean = BYTES / (await received(receivers) - before);
          assert(mean >= least && mean <= most, `${mean} bytes a segment`);
        });
      }
    }
    await test.step("every checksum was right", async () => {
      for (const netns of [topology.client, ...pods]) {
        assert((await readChecksumCounters(netns)).wrong === 0, netns.name);
      }
    });
  });
}
