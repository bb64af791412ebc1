// SPDX-License-Identifier: Apache-2.0

// Two hosts of which one runs Blixt, in a network that takes pods' and nodes' own
// addresses and nothing else: pods on the other host are reached by SNAT.

import { assertEquals } from "@std/assert";
import { canonicalIp } from "../../controlplane/api/ip.ts";
import { equal } from "../../controlplane/equal.ts";
import { poll } from "../cluster/poll.ts";
import { CLIENT, FAMILIES, GATEWAY, PROTOCOLS } from "../netns/addresses.ts";
import type { Blixt } from "../netns/blixt.ts";
import { readChecksumCounters } from "../netns/checksums.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendFlows, startServers } from "../netns/traffic.ts";
import { transfer } from "../netns/transfer.ts";
import { FABRICS, type TwoNodes, type TwoNodesOptions } from "../netns/two_nodes.ts";
import { listenerAddress } from "../e2e/testbed.ts";
import { makeNodes, startBlixt } from "./two_nodes_testbed.ts";

const CONFIG = `apiVersion: blixt.x-k8s.io/v1alpha1
kind: GatewayClassConfig
metadata: {name: default}
spec: {remoteBackends: SNAT}
`;

/** What a node drops that comes from elsewhere: other addresses than nodes' and pods', and packets inside packets. */
const STRICT = `table inet strict {
  chain prerouting {
    type filter hook prerouting priority raw
    iifname eth0 meta l4proto { 4, 41 } counter drop
    iifname eth0 meta l4proto { tcp, udp } ip saddr { ${CLIENT.ipv4}, ${GATEWAY.ipv4} } counter drop
    iifname eth0 meta l4proto { tcp, udp } ip6 saddr { ${CLIENT.ipv6}, ${GATEWAY.ipv6} } counter drop
  }
}`;

/** The two nodes with servers in the pods; Blixt on the one in the east alone. */
async function start(stack: AsyncDisposableStack, options: TwoNodesOptions): Promise<{
  readonly nodes: TwoNodes;
  readonly blixt: Blixt;
}> {
  const { nodes, manifests } = await makeNodes(stack, options);
  await manifests.write("config.yaml", CONFIG);
  await nodes.makeOrdinary(nodes.west);
  await nodes.west.netns.run(["nft", "-f", "-"], { input: STRICT });
  await startServers(nodes);
  await nodes.routeTo(nodes.east, GATEWAY);
  return { nodes, blixt: stack.use(await startBlixt(nodes.east, manifests)) };
}

for (const options of FABRICS) {
  networkTest(`SNAT to a node without Blixt, ${JSON.stringify(options)}`, async (test) => {
    await using stack = new AsyncDisposableStack();
    const { nodes, blixt } = await start(stack, options);

    await test.step("pods on the other node see this one, those here the client, which sees the Gateway", async () => {
      for (const family of FAMILIES) {
        for (const protocol of PROTOCOLS) {
          const report = await sendFlows(nodes, { protocol, family, flows: 60, messages: 2 });
          assertEquals([report.answered, report.failures], [60, {}], `${protocol} over ${family}`);
          const [client, node] = [[CLIENT[family]], [canonicalIp(nodes.east[family])!]];
          assertEquals(report.clients, { b1: client, b2: node, b3: node });
          assertEquals([report.moved, report.sources], [0, [listenerAddress(protocol, family)]]);
        }
      }
    });

    await test.step("the node itself and its pods are clients too", async () => {
      for (const by of [nodes.east, nodes.backends[0]!]) {
        for (const family of FAMILIES) {
          const report = await sendFlows(nodes, { protocol: "tcp", family, flows: 60, by });
          assertEquals([report.answered, report.failures], [60, {}], `${by.netns.name} over ${family}`);
          const { b1: _, ...elsewhere } = report.clients;
          const node = canonicalIp(nodes.east[family])!;
          assertEquals([...new Set(Object.values(elsewhere).flat())], [node]);
        }
      }
    });

    await test.step("much goes through in either direction", async () => {
      for (const direction of ["put", "get"] as const) {
        // Enough connections for both nodes to be met.
        const all = Array.from({ length: 5 }, () => FAMILIES).flat();
        await Promise.all(all.map((family) => transfer(nodes, { family, direction, bytes: 2_000_000 })));
      }
    });

    await test.step("connections outlive Blixt's processes, and new ones begin without them", async () => {
      await Promise.all(
        FAMILIES.map((family) => transfer(nodes, { family, seconds: 3 }, () => blixt.killAll())),
      );
      const report = await sendFlows(nodes, { protocol: "tcp", family: "ipv4", flows: 60 });
      assertEquals([report.answered, report.clients["b2"]], [60, [nodes.east.ipv4]]);
    });

    if (!("offloads" in options)) {
      await test.step("every checksum was right, at the pods and at the client", async () => {
        for (const netns of [nodes.client, ...nodes.backends.map((backend) => backend.netns)]) {
          assertEquals((await readChecksumCounters(netns)).wrong, 0, netns.name);
        }
      });
    }

    await test.step("the other node never saw the client's address, nor a packet inside another", async () => {
      const counted = async (): Promise<unknown> => {
        const { stdout } = await nodes.west.netns.run(["nft", "--json", "list", "ruleset"]);
        return [...stdout.matchAll(/"packets": (\d+)/g)].map(([, packets]) => Number(packets));
      };
      assertEquals(await counted(), [0, 0, 0]);
      // It counts them.
      for (const family of FAMILIES) {
        await nodes.client.run(["bash", "-c", `echo > /dev/udp/${nodes.west[family]}/9`]);
      }
      const ready = async (): Promise<boolean> => equal(await counted(), [0, 1, 1]);
      assertEquals(await poll({ ready, patience: 60_000 }), "ready");
    });
  });
}
