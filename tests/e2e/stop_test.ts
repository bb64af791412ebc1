// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { FAMILIES, PROTOCOLS } from "../netns/addresses.ts";
import { pinnedLinks, staysInKernel } from "../netns/kernel_objects.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { isStillThere } from "../netns/processes.ts";
import { sendFlows } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

networkTest("SIGTERM leaves nothing attached, pinned or running, and traffic ends", async () => {
  await using testbed = await Testbed.create();
  const { blixt, topology } = testbed;
  const links = await pinnedLinks(topology.host);
  // At ingress and egress of the client's side and of each backend's.
  assertEquals(links.length, 2 * (1 + topology.backends.length));
  const processes = blixt.program.tree();
  assert(processes.length >= 3);

  await blixt.stop();

  assertEquals(topology.host.leftBehind(), []);
  assertEquals(processes.filter((process) => isStillThere(process)), []);
  for (const { id, prog_id } of links) {
    assertEquals(await staysInKernel("link", id), false);
    assertEquals(await staysInKernel("prog", prog_id), false);
  }
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      const report = await sendFlows(topology, { protocol, family, flows: 3, timeout: 300 });
      assertEquals(report.answered, 0);
    }
  }
}, ["bpftool"]);
