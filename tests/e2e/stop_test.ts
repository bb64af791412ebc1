// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertNotEquals } from "@std/assert";
import { FAMILIES, PROTOCOLS } from "../netns/addresses.ts";
import type { Netns } from "../netns/netns.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendFlows } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

/** Programs at the network hooks of a network namespace, as bpftool lists them. */
async function attachedPrograms(netns: Netns): Promise<string[]> {
  const { stdout } = await netns.run(["bpftool", "net", "show"]);
  return stdout.split("\n").filter((line) => /\bid \d+/.test(line) || /prog_id \d+/.test(line));
}

networkTest("SIGTERM leaves nothing attached, pinned or running, and traffic ends", async () => {
  await using testbed = await Testbed.create();
  const { blixt, topology } = testbed;
  assertNotEquals(await attachedPrograms(topology.host), []);
  const processes = blixt.program.tree().map(({ pid }) => pid);
  await blixt.stop();
  assertEquals(await attachedPrograms(topology.host), []);
  assertEquals(topology.host.leftBehind(), []);
  const running = await topology.host.run(["ip", "netns", "pids", topology.host.name]);
  assertEquals(running.stdout.split("\n").filter((pid) => processes.includes(Number(pid))), []);
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      const report = await sendFlows(topology, { protocol, family, flows: 3, timeout: 300 });
      assertEquals(report.answered, 0);
    }
  }
});
