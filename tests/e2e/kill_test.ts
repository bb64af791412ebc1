// SPDX-License-Identifier: Apache-2.0

// The kernel goes on alone: whoever of Blixt's processes dies, no connection
// is reset, none fails, and no packet is lost on the way.

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { FAMILIES } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { readReport, sendFlows, startFlows, startTransfer } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { Testbed } from "./testbed.ts";

/** A SYN that was lost is sent again after a second: nobody may have waited that long. */
const NO_RETRANSMISSION = 950;

const VICTIMS: Record<string, (testbed: Testbed) => void | Promise<void>> = {
  "the loader": ({ blixt }) => blixt.kill("loader"),
  "the control plane": ({ blixt }) => blixt.kill("control plane"),
  "both": ({ blixt }) => blixt.killAll(),
};

networkTest("SIGKILL during transfers, connection storms and UDP flows", async (test) => {
  await using testbed = await Testbed.create();
  const { topology } = testbed;

  for (const [victim, kill] of Object.entries(VICTIMS)) {
    for (const family of FAMILIES) {
      await test.step(`${victim}, ${family}: nothing is harmed, and the next start takes over`, async () => {
        const transfers = [
          await startTransfer(topology, { direction: "put", family, bytes: 40e6, seconds: 5 }),
          await startTransfer(topology, { direction: "get", family, bytes: 40e6, seconds: 5 }),
        ];
        const datagrams = startFlows(topology, {
          protocol: "udp",
          family,
          flows: 50,
          hold: true,
          messages: 25,
          interval: 200,
        });
        const storm = startFlows(topology, {
          protocol: "tcp",
          family,
          seconds: 5,
          concurrency: 10,
          interval: 5,
        });
        await delay(700);

        await kill(testbed);
        // What watches the two ends the other one and itself.
        await testbed.blixt.program.ended;
        const alone = await sendFlows(topology, { protocol: "udp", family, flows: 100 });
        await testbed.restart();

        const stormed = await readReport<FlowReport>(storm);
        assertEquals([stormed.answered, stormed.failures], [stormed.flows, {}]);
        assert(stormed.flows > 500, `a storm of ${stormed.flows} connections`);
        assert(stormed.slowestConnect < NO_RETRANSMISSION, `a SYN waited ${stormed.slowestConnect} ms`);
        assertEquals([alone.answered, alone.failures], [100, {}]);
        const told = await readReport<FlowReport>(datagrams);
        assertEquals([told.answered, told.moved, told.failures], [50, 0, {}]);
        for (const transfer of transfers) {
          const { unharmed } = await readReport<TransferReport>(transfer);
          assert(unharmed, "the transfer arrived changed");
        }
      });
    }
  }

  await test.step("the last start is in control: an edit has its effect", async () => {
    await testbed.blixt.apply(() => testbed.manifests.edit("tcp-route.yaml", /weight: 80$/, "weight: 0"));
    const report = await sendFlows(topology, { protocol: "tcp", family: "ipv4", flows: 100 });
    assertEquals(report.backends, { b3: 100 });
  });
});
