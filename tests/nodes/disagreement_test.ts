// SPDX-License-Identifier: Apache-2.0

// Two hosts that know different endpoints, as for a moment while a change is on its way to them: each has only the
// other's pods, and sends new connections there, until their hops end. Clients hear nothing of that and ask again.

import { assertEquals } from "@std/assert";
import { poll } from "../cluster/poll.ts";
import { FAMILIES, GATEWAY } from "../netns/addresses.ts";
import { ManifestFolder } from "../netns/manifest_folder.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { addNodes } from "../netns/node_manifests.ts";
import { countRepeatedSyns } from "../netns/repeated_syns.ts";
import { readReport, startFlows, startServers } from "../netns/traffic.ts";
import { FABRICS } from "../netns/two_nodes.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { makeNodes, startBlixt } from "./two_nodes_testbed.ts";

const FLOWS = 5;

/** The Service that all flows go to, which has a pod on either node. */
const SERVICE = "echo-stable.yaml";

/** The manifest of that Service with the pods of a node not ready. */
async function without(manifests: ManifestFolder, node: string): Promise<string> {
  const text = await manifests.read(SERVICE);
  return text.replaceAll(`    nodeName: ${node}\n`, "$&    conditions: {ready: false}\n");
}

for (const options of FABRICS.filter(({ offloads = false }) => !offloads)) {
  networkTest(`nodes that disagree, ${JSON.stringify(options)}`, async (test) => {
    await using stack = new AsyncDisposableStack();
    const { nodes, manifests } = await makeNodes(stack, options);
    const { client, east, west } = nodes;
    const others = stack.use(await ManifestFolder.copyOf("bare-host"));
    await addNodes(others, nodes);
    const [eastern, western] = [await without(others, "west"), await without(others, "east")];
    for (const folder of [manifests, others]) {
      await folder.edit("tcp-route.yaml", /weight: 20$/, "weight: 0");
    }
    await manifests.write(SERVICE, western);
    await others.write(SERVICE, eastern);
    await startServers(nodes);
    stack.use(await startBlixt(east, manifests));
    const blixt = stack.use(await startBlixt(west, others));
    await nodes.routeTo(east, GATEWAY);

    for (const family of FAMILIES) {
      await test.step(`connections over ${family} wait until the nodes agree`, async () => {
        const before = await countRepeatedSyns(client);
        const flows = startFlows(nodes, { protocol: "tcp", family, flows: FLOWS, timeout: 60_000 });
        const ready = async (): Promise<boolean> => await countRepeatedSyns(client) >= before + FLOWS;
        const ended = (): boolean => flows.lines.some((line) => line.startsWith("{"));
        const outcome = await poll({ ready, ended, patience: 60_000 });
        await blixt.apply(() => others.write(SERVICE, western));
        const report = await readReport<FlowReport>(flows);
        assertEquals([outcome, report.answered, report.failures], ["ready", FLOWS, {}]);
        await blixt.apply(() => others.write(SERVICE, eastern));
      });
    }
  });
}
