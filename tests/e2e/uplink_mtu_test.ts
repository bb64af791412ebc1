// SPDX-License-Identifier: Apache-2.0

// The host's own way out takes less than its pods send. No router is there to say so: Blixt itself has to, whether
// packets come joined (offloads) or one by one, and whether the host's stack forwards or not.

import { assert } from "@std/assert";
import { FAMILIES } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { forgetPaths, readTooLarge } from "../netns/path_mtu.ts";
import { insertRouter } from "../netns/router.ts";
import { OUTWARD } from "../netns/topology.ts";
import { readReport, startTransfer } from "../netns/traffic.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { Testbed } from "./testbed.ts";

/** Bytes that a packet may have on the host's uplink; pods and client believe in 1,500. */
const MTU = 1_300;

for (const forwarding of [true, false]) {
  for (const offloads of [true, false]) {
    const what = `forwarding ${forwarding ? "on" : "off"}, offloads ${offloads ? "on" : "off"}`;
    networkTest(`a host whose uplink is narrower than its pods' links, ${what}`, async (test) => {
      await using testbed = await Testbed.create({
        forwarding,
        offloads,
        wire: async (topology) => {
          const router = await insertRouter(topology, { side: "client", mtu: MTU, silent: false });
          await topology.host.ip([`link set ${OUTWARD} mtu ${MTU}`]);
          await router.ip([`link set eth0 mtu ${MTU}`]);
        },
      });
      const { client, backends } = testbed.topology;
      const pods = backends.map(({ netns }) => netns);
      for (const family of FAMILIES) {
        await test.step(`${family}: what pods send arrives, and they hear why it has to be smaller`, async () => {
          for (const netns of [client, ...pods]) await forgetPaths(netns);
          const before = await readTooLarge(pods);
          const get = { direction: "get", family, bytes: 500_000, seconds: 0 } as const;
          const transfer = await startTransfer(testbed.topology, get);
          assert((await readReport<TransferReport>(transfer)).unharmed);
          // Joined packets may be taken apart to the size that the way out has.
          assert(offloads || await readTooLarge(pods) > before, "no pod has heard of it");
        });
      }
    });
  }
}
