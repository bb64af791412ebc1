// SPDX-License-Identifier: Apache-2.0

// Pods come and go while Blixt runs, and their interfaces with them.

import { assertEquals } from "@std/assert";
import { poll } from "../cluster/poll.ts";
import { FAMILIES, joinHostPort, POD_GATEWAY, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import type { Backend, Topology } from "../netns/topology.ts";
import { sendFlows, startServer } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

/** Checks that Blixt learns of the interface of b3, by which flows of both protocols and families are answered. */
async function assertLearns({ topology, blixt }: Testbed, from: number): Promise<void> {
  await blixt.program.waitForLine(/^Attached to interface veth3\b/, 60_000, from);
  // The way to a pod follows its interface; how long that takes the machine decides.
  const ready = () => assertAnsweredByB3(topology).then(() => true);
  if (await poll({ ready, patience: 60_000 }) !== "ready") await assertAnsweredByB3(topology);
}

async function assertAnsweredByB3(topology: Topology): Promise<void> {
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      const { backends, failures } = await sendFlows(topology, {
        protocol,
        family,
        flows: 50,
        timeout: 2_000,
      });
      assertEquals([backends, failures], [{ b3: 50 }, {}], `${protocol} over ${family}`);
    }
  }
}

/**
 * Any datagram to the host: by it the host learns that the address has another MAC now. A CNI plugin
 * announces that itself; else the kernel goes on with the old one for half a minute, Blixt or not.
 */
async function greetHost({ netns }: Backend): Promise<void> {
  for (const family of FAMILIES) {
    const target = `UDP:${joinHostPort(POD_GATEWAY[family], 9)}`;
    await netns.run(["socat", "-u", "-", target], { input: "hello" });
  }
}

for (const wiring of ["veth", "bridge"] as const) {
  networkTest(
    `a pod on a ${wiring} that comes after the start, and comes again behind a new interface`,
    async () => {
      await using testbed = await Testbed.create({
        wiring,
        backends: 2,
        prepare: async (manifests) => {
          // All traffic is for echo-canary, whose one endpoint is b3.
          for (const protocol of PROTOCOLS) {
            await manifests.edit(`${protocol}-route.yaml`, /weight: 80$/, "weight: 0");
          }
        },
      });
      const { topology } = testbed;
      const { program } = testbed.blixt;
      let from = program.lines.length;
      const first = await topology.addBackend(3);
      await startServer(first);
      await assertLearns(testbed, from);

      from = program.lines.length;
      await topology.removeBackend(first);
      const second = await topology.addBackend(3);
      await startServer(second);
      await greetHost(second);
      await assertLearns(testbed, from);
    },
  );
}
