// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { FAMILIES, PROTOCOLS } from "../netns/addresses.ts";
import type { Netns } from "../netns/netns.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { isStillThere } from "../netns/processes.ts";
import { runCommand } from "../netns/run_command.ts";
import { sendFlows } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

/** A link that attaches a program to an interface. */
interface Link {
  readonly id: number;
  readonly prog_id: number;
}

/** The links that are pinned for a network namespace. */
async function pinnedLinks(host: Netns): Promise<Link[]> {
  const { stdout } = await host.run(["find", ...host.leftBehind(), "-path", "*/links/*"]);
  const files = stdout.split("\n").filter((path) => path !== "");
  return await Promise.all(files.map(async (file) => {
    const shown = await host.run(["bpftool", "--json", "link", "show", "pinned", file]);
    return JSON.parse(shown.stdout) as Link;
  }));
}

/** True when the kernel knows the object; it lets go of what is detached a moment later. */
async function staysInKernel(kind: "link" | "prog", id: number): Promise<boolean> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const { code } = await runCommand(["bpftool", kind, "show", "id", String(id)], { tolerant: true });
    if (code !== 0) return false;
    await delay(50);
  }
  return true;
}

networkTest("SIGTERM leaves nothing attached, pinned or running, and traffic ends", async () => {
  await using testbed = await Testbed.create();
  const { blixt, topology } = testbed;
  const links = await pinnedLinks(topology.host);
  // One for the client's side and one for each backend.
  assertEquals(links.length, 1 + topology.backends.length);
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
