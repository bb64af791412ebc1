// SPDX-License-Identifier: Apache-2.0

// The program in the driver, with real packets: a veth has XDP too when told to.

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { FAMILIES, GATEWAY, PROTOCOLS } from "../netns/addresses.ts";
import { Blixt } from "../netns/blixt.ts";
import type { ManifestFolder } from "../netns/manifest_folder.ts";
import type { Netns } from "../netns/netns.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { addSecondNode, SECOND_NODE } from "../netns/second_node.ts";
import { OUTWARD, type Topology } from "../netns/topology.ts";
import { readReport, sendFlows, startFlows } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { readXdpCounters } from "../netns/xdp_counters.ts";
import { attachXdpPass } from "../netns/xdp_pass.ts";
import { ROOM, Testbed } from "./testbed.ts";

/** Addresses of the client's own network that no interface has. */
const ON_LINK = { ipv4: "198.51.100.10", ipv6: "2001:db8:c::10" };

const ON = ["--xdp", "on"];

async function takeWhatIsSentBack(topology: Topology): Promise<void> {
  await attachXdpPass(topology.client, "eth0");
}

async function onLink(manifests: ManifestFolder): Promise<void> {
  for (const family of FAMILIES) {
    await manifests.edit("gateway.yaml", new RegExp(`${GATEWAY[family]}(?="?$)`), ON_LINK[family]);
  }
}

/** What the driver's program sent back and dropped while something ran. */
async function during(host: Netns, run: () => Promise<void>): Promise<{ tx: number; drops: number }> {
  const before = await readXdpCounters(host, OUTWARD);
  await run();
  const after = await readXdpCounters(host, OUTWARD);
  return { tx: after.tx - before.tx, drops: after.drops - before.drops };
}

networkTest(
  "with --xdp on the driver's program answers and refuses, and the rest goes on as ever",
  async (test) => {
    await using testbed = await Testbed.create({ prepare: onLink, wire: takeWhatIsSentBack, flags: ON });
    const { topology } = testbed;
    const { client, host } = topology;

    await test.step("what was chosen is said", () => {
      assert(testbed.blixt.program.lines.includes("Interface eth0 has XDP and TCX: switched on by --xdp on"));
    });

    for (const family of FAMILIES) {
      await test.step(`${family}: who has the address is answered`, async () => {
        await client.ip([`neighbour flush dev eth0`]);
        const { tx } = await during(host, async () => {
          const to = ON_LINK[family];
          const report = await sendFlows(topology, { protocol: "udp", family, to, flows: 1 });
          assertEquals(report.answered, 1);
        });
        // On a busy machine the question is asked again.
        assert(tx >= 1 && tx <= 3, `${tx} answers`);
      });

      await test.step(`${family}: closed ports are refused`, async () => {
        const refused = await during(host, async () => {
          const options = { family, to: ON_LINK[family], port: 4_444, flows: 20 };
          const tcp = await sendFlows(topology, { protocol: "tcp", ...options });
          assertEquals(tcp.failures, { ConnectionRefused: 20 });
          const udp = await sendFlows(topology, { protocol: "udp", ...options, timeout: 500 });
          assertEquals(udp.failures, { TimedOut: 20 });
        });
        assertEquals(refused.drops, 20);
        assert(refused.tx >= 20 && refused.tx <= 22, `${refused.tx} frames went back`);
      });

      for (const protocol of PROTOCOLS) {
        await test.step(`${protocol} over ${family}: flows reach the pods`, async () => {
          const to = ON_LINK[family];
          const report = await sendFlows(topology, { protocol, family, to, flows: 100, messages: 3 });
          assertEquals([report.answered, report.moved, report.disguised, report.failures], [100, 0, 0, {}]);
        });
      }
    }
  },
);

const NODES = (["a", "b"] as const).map((name) => ({
  name,
  addresses: name === "b" ? SECOND_NODE : { ipv4: "198.51.100.1", ipv6: "2001:db8:c::1" },
}));

/** Two Nodes, the second of which has the canary's pods. */
async function twoNodes(manifests: ManifestFolder): Promise<void> {
  const node = ({ name, addresses: { ipv4, ipv6 } }: typeof NODES[number]): string =>
    `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nstatus:\n  addresses:\n` +
    `  - {type: InternalIP, address: "${ipv4}"}\n  - {type: InternalIP, address: "${ipv6}"}\n`;
  await manifests.write("nodes.yaml", NODES.map(node).join("---\n"));
  await manifests.edit("echo-canary.yaml", /^( +)- addresses: (.*)$/, "$1- addresses: $2\n$1  nodeName: b");
  for (const protocol of PROTOCOLS) {
    await manifests.edit(`${protocol}-route.yaml`, /weight: 80$/, "weight: 0");
  }
}

networkTest(
  "with --xdp on packets for a pod of another node leave from the driver, through every restart",
  async (test) => {
    let node: Netns | undefined;
    await using testbed = await Testbed.create({
      forwarding: true,
      prepare: twoNodes,
      wire: async (topology) => {
        await takeWhatIsSentBack(topology);
        node = await addSecondNode(topology);
      },
      flags: [...ON, "--node", "a"],
    });
    const { topology, manifests } = testbed;
    const second = { manifests: manifests.path, flags: [...ROOM, "--xdp", "off", "--node", "b"] };
    await using _there = await Blixt.start(node!, second);

    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        await test.step(`${protocol} over ${family}: the pod sees the client, and answers it`, async () => {
          const options = { protocol, family, flows: 50, messages: 20, interval: 20, hold: true };
          const begun = performance.now();
          const { tx } = await during(topology.host, async () => {
            const report = await sendFlows(topology, options);
            assertEquals([report.answered, report.disguised, report.failures], [50, 0, {}]);
            assertEquals(report.backends, { b3: 50 });
          });
          // All but what begins (three datagrams are no flow yet) or is the first of a second, of which a busy machine
          // makes many.
          const seconds = Math.ceil((performance.now() - begun) / 1_000);
          const least = 50 * (20 - 5 - seconds);
          assert(tx >= least, `${tx} of 1,000 and more packets in ${seconds} s`);
        });
      }
    }

    await test.step("both are killed and started again: nothing is lost", async () => {
      const told = (["ipv4", "ipv6"] as const).map((family) =>
        startFlows(topology, { protocol: "udp", family, flows: 50, messages: 100, interval: 50, hold: true })
      );
      await delay(700);
      const { tx } = await during(topology.host, async () => {
        await testbed.blixt.killAll();
        await delay(700);
        await testbed.restart();
        for (const flows of told) {
          const report = await readReport<FlowReport>(flows);
          assertEquals([report.answered, report.moved, report.failures], [50, 0, {}]);
        }
      });
      assert(tx > 2_000, `${tx} packets left from the driver meanwhile`);
    });

    await test.step("with --xdp off the driver has no program any more", async () => {
      await testbed.blixt.killAll();
      testbed.options.flags = ["--xdp", "off", "--node", "a"];
      await testbed.restart();
      const { tx } = await during(topology.host, async () => {
        const report = await sendFlows(topology, { protocol: "tcp", family: "ipv4", flows: 20, messages: 5 });
        assertEquals([report.answered, report.failures], [20, {}]);
      });
      assertEquals(tx, 0);
      const { stdout } = await topology.host.run(["ip", "-details", "link", "show", OUTWARD]);
      assert(!stdout.includes("xdp"), stdout);
    });
  },
);

networkTest(
  "an XDP program of somebody else stays, which is said, and TCX does all of the work",
  async () => {
    await using testbed = await Testbed.create({
      wire: ({ host }) => attachXdpPass(host, OUTWARD),
      flags: ON,
    });
    const said = testbed.blixt.program.lines.filter((line) => line.includes(OUTWARD) && line.includes("TCX"));
    assertEquals(said.length, 1);
    assert(/TCX alone: .*another XDP program is there/.test(said[0]!), said[0]);
    for (const protocol of PROTOCOLS) {
      const report = await sendFlows(testbed.topology, { protocol, family: "ipv4", flows: 20 });
      assertEquals([report.answered, report.failures], [20, {}]);
    }
  },
);
