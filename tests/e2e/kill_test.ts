// SPDX-License-Identifier: Apache-2.0

// The kernel goes on alone: whoever of Blixt's processes dies, no connection
// is reset, none fails, and no packet is lost on the way.

import { assertEquals } from "@std/assert";
import { FAMILIES, type Family } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { countRepeatedSyns } from "../netns/repeated_syns.ts";
import { sendFlows } from "../netns/traffic.ts";
import { assertUnharmed, startLoad } from "../netns/load.ts";
import { Testbed } from "./testbed.ts";

const VICTIMS: Record<string, (testbed: Testbed) => void | Promise<void>> = {
  "the loader": ({ blixt }) => blixt.kill("loader"),
  "the control plane": ({ blixt }) => blixt.kill("control plane"),
  "both": ({ blixt }) => blixt.killAll(),
};

networkTest("SIGKILL during transfers, connection storms and UDP flows", async (test) => {
  await using testbed = await Testbed.create();
  const { topology } = testbed;

  for (const [victim, kill] of Object.entries(VICTIMS)) {
    await test.step(`${victim}: nothing is harmed, and the next start takes over`, async () => {
      const loads = await Promise.all(FAMILIES.map((family) => startLoad(topology, family)));

      await kill(testbed);
      // What watches the two ends the other one and itself.
      await testbed.blixt.program.ended;
      const alone = (family: Family) => sendFlows(topology, { protocol: "udp", family, flows: 100 });
      for (const { answered, failures } of await Promise.all(FAMILIES.map(alone))) {
        assertEquals([answered, failures], [100, {}]);
      }
      await testbed.restart();

      for (const load of loads) await assertUnharmed(load);
      assertEquals(await countRepeatedSyns(topology.client), 0);
    });
  }

  await test.step("the last start is in control: an edit has its effect", async () => {
    await testbed.blixt.apply(() => testbed.manifests.edit("tcp-route.yaml", /weight: 80$/, "weight: 0"));
    const report = await sendFlows(topology, { protocol: "tcp", family: "ipv4", flows: 100 });
    assertEquals(report.backends, { b3: 100 });
  });
});
