// SPDX-License-Identifier: Apache-2.0

// Clients on the node itself: its pods, a pod that reaches itself, the node; and backends in the node's own
// network. However pods are wired, and whether or not the host forwards by itself.

import { assertEquals } from "@std/assert";
import {
  type DualStack,
  FAMILIES,
  type Family,
  GATEWAY,
  HOST,
  type L4,
  PROTOCOLS,
} from "../netns/addresses.ts";
import { readChecksumCounters } from "../netns/checksums.ts";
import { readMasqueraded } from "../netns/masquerade.ts";
import { networkTest } from "../netns/network_test_case.ts";
import type { Backend, Topology } from "../netns/topology.ts";
import { type Endpoint, sendFlows, startServer } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { listenerAddress, Testbed } from "./testbed.ts";

const FLOWS = 60;

/** Addresses on the link between client and host that neither has. */
const ON_LINK: DualStack = { ipv4: "198.51.100.50", ipv6: "2001:db8:c::50" };

/** Flows of each protocol over each family, several messages in each, all open at once. */
async function everyKind(
  test: Deno.TestContext,
  topology: Topology,
  name: string,
  by: Endpoint | undefined,
  check: (report: FlowReport, family: Family, protocol: L4) => void,
): Promise<void> {
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      await test.step(`${name}, ${protocol} over ${family}`, async () => {
        const source = by === undefined ? {} : { by };
        const report = await sendFlows(topology, {
          protocol,
          family,
          ...source,
          flows: FLOWS,
          messages: 3,
          interval: 20,
          hold: true,
        });
        assertEquals([report.answered, report.failures, report.moved], [FLOWS, {}, 0]);
        assertEquals(report.sources, [listenerAddress(protocol, family)]);
        check(report, family, protocol);
      });
    }
  }
}

/**
 * Every checksum that arrived was right, and the CNI's masquerade rule saw nothing. Where the host forwards, it sees
 * what Deno asks of DNS in the pods.
 */
async function assertClean(topology: Topology): Promise<void> {
  for (const netns of [topology.client, topology.host, ...topology.backends.map(({ netns }) => netns)]) {
    assertEquals((await readChecksumCounters(netns)).wrong, 0, netns.name);
  }
  if (!topology.options.forwarding) assertEquals(await readMasqueraded(topology.host), 0);
}

/** Who talks to the Gateway and is answered by another pod is seen with its own address, by itself with the Gateway's. */
function seenAsItself({ clients, backends }: FlowReport, own: string, name: string, family: Family): void {
  assertEquals(Object.keys(backends).sort(), ["b1", "b2", "b3"], "every backend has a share");
  for (const [backend, seen] of Object.entries(clients)) {
    assertEquals(seen, [backend === name ? GATEWAY[family] : own], backend);
  }
}

for (const wiring of ["veth", "bridge"] as const) {
  for (const forwarding of [true, false]) {
    const how = `pods by ${wiring}, forwarding ${forwarding ? "on" : "off"}`;

    networkTest(`clients on the node and backends in its own network: ${how}`, async (test) => {
      await using testbed = await Testbed.create({ wiring, forwarding });
      const { topology } = testbed;
      const [pod] = topology.backends as [Backend];
      await takePorts(topology, "10000 34999");
      await everyKind(test, topology, "a pod to all pods, itself among them", pod, (report, family) => {
        seenAsItself(report, pod[family], pod.name, family);
      });
      const host = { netns: topology.host, ...HOST };
      await everyKind(test, topology, "the node to pods", host, (report, family) => {
        seenAsItself(report, HOST[family], "none", family);
        assertEquals(report.disguised, 0);
      });

      await using _server = await startServer({ name: "host", netns: topology.host, ...HOST });
      await onlyHost(testbed);
      // A flow of datagrams goes on for two minutes, and a port that comes again is its.
      await takePorts(topology, "35000 60000");
      const answered = { host: FLOWS };
      await everyKind(test, topology, "a client outside to the node", undefined, (report) => {
        assertEquals([report.backends, report.disguised], [answered, 0]);
      });
      await everyKind(test, topology, "a pod to the node", pod, (report) => {
        assertEquals([report.backends, report.disguised], [answered, 0]);
      });
      await everyKind(test, topology, "the node to itself", host, (report, family) => {
        assertEquals([report.backends, report.clients], [answered, { host: [GATEWAY[family]] }]);
      });
      await test.step("nothing went wrong unseen", () => assertClean(topology));
    });
  }
}

// Nobody else answers for an address that this node announces: its own question must not leave unanswered.
networkTest("the node as a client of a Gateway address on its own link", async (test) => {
  await using testbed = await Testbed.create({
    prepare: async (manifests) => {
      for (const family of FAMILIES) {
        await manifests.edit("gateway.yaml", new RegExp(`${GATEWAY[family]}(?="?$)`), ON_LINK[family]);
      }
    },
  });
  const { topology } = testbed;
  const by = { netns: topology.host, ...HOST };
  for (const family of FAMILIES) {
    const to = ON_LINK[family];
    for (const protocol of PROTOCOLS) {
      await test.step(`${protocol} over ${family}`, async () => {
        const report = await sendFlows(topology, { protocol, family, by, to, flows: FLOWS });
        assertEquals([report.answered, report.failures, report.disguised], [FLOWS, {}, 0]);
      });
    }
    await test.step(`a closed port over ${family} is refused at once`, async () => {
      const report = await sendFlows(topology, { protocol: "tcp", family, by, to, port: 4_444 });
      assertEquals(report.failures, { ConnectionRefused: 1 });
    });
  }
  await test.step("a client outside reaches it too, by the same answers", async () => {
    const report = await sendFlows(topology, {
      protocol: "tcp",
      family: "ipv4",
      to: ON_LINK.ipv4,
      flows: FLOWS,
    });
    assertEquals([report.answered, report.failures], [FLOWS, {}]);
  });
});

/** Clients get their ports from a range. */
async function takePorts({ client, host, backends }: Topology, range: string): Promise<void> {
  for (const netns of [client, host, ...backends.map(({ netns }) => netns)]) {
    await netns.sysctl({ "net.ipv4.ip_local_port_range": range });
  }
}

/** Makes the host's own address the only endpoint. */
async function onlyHost({ manifests, blixt }: Testbed): Promise<void> {
  const edits: [string, RegExp, string][] = [
    ...PROTOCOLS.map((
      protocol,
    ): [string, RegExp, string] => [`${protocol}-route.yaml`, /weight: 80$/, "weight: 0"]),
    ["echo-canary.yaml", /"10\.244\.0\.13"/, `"${HOST.ipv4}"`],
    ["echo-canary.yaml", /"fd00:10:244::13"/, `"${HOST.ipv6}"`],
  ];
  for (const edit of edits) await blixt.apply(() => manifests.edit(...edit));
}
