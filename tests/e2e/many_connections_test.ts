// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { FAMILIES } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { readReport, startFlows } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { Testbed } from "./testbed.ts";

const CONNECTIONS = 10_000;

networkTest(`${CONNECTIONS} connections are open at once, and each stays with its backend`, async (test) => {
  await using testbed = await Testbed.create();
  for (const family of FAMILIES) {
    await test.step(family, async () => {
      const flows = startFlows(testbed.topology, {
        protocol: "tcp",
        family,
        flows: CONNECTIONS,
        hold: true,
        messages: 2,
        interval: 2_000,
        timeout: 20_000,
      });
      const report = await readReport<FlowReport>(flows, 180_000);
      assertEquals([report.answered, report.moved, report.disguised, report.failures], [
        CONNECTIONS,
        0,
        0,
        {},
      ]);
      // b3 has 20 of 100: with so many, its share is near that.
      const share = (report.backends["b3"] ?? 0) / CONNECTIONS;
      assert(Math.abs(share - 0.2) < 0.02, `b3 has ${share}`);
    });
  }
});
