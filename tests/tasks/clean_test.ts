// SPDX-License-Identifier: Apache-2.0

// `deno task clean` as a whole would end whatever else runs on this machine, so what it does to one network
// namespace is tested here, and the rest beside it with plain folders.

import { assertEquals, assertGreater } from "@std/assert";
import { removeTree } from "../../controlplane/tasks/remove_tree.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { Blixt } from "../netns/blixt.ts";
import { pinnedLinks, staysInKernel } from "../netns/kernel_objects.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { Topology } from "../netns/topology.ts";

networkTest("removing the pins detaches what a killed start left", async () => {
  await using topology = await Topology.create({ backends: 1 });
  const blixt = await Blixt.start(topology.host, { manifests: `${paths.repository}/k8s/samples/bare-host` });
  await blixt.killAll();
  const links = await pinnedLinks(topology.host);
  assertGreater(links.length, 0);
  for (const path of topology.host.leftBehind()) await removeTree(path);
  assertEquals(topology.host.leftBehind(), []);
  for (const { id } of links) assertEquals(await staysInKernel("link", id), false);
}, ["bpftool"]);
