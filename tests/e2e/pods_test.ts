// SPDX-License-Identifier: Apache-2.0

// Pods come and go while Blixt runs, and their interfaces with them.

import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { FAMILIES, joinHostPort, POD_GATEWAY, PROTOCOLS } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import type { Backend, Topology } from "../netns/topology.ts";
import { sendFlows, startServer } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

/** Milliseconds that Blixt may take to learn of an interface; the loader merges changes within 50. */
const NOTICE = 1_000;

/** Checks that flows of both protocols and families are all answered by b3. */
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
      const first = await topology.addBackend(3);
      await startServer(first);
      await delay(NOTICE);
      await assertAnsweredByB3(topology);

      await topology.removeBackend(first);
      const second = await topology.addBackend(3);
      await startServer(second);
      await greetHost(second);
      await delay(NOTICE);
      await assertAnsweredByB3(topology);
    },
  );
}
