// SPDX-License-Identifier: Apache-2.0

// Versions with other maps, one after the other, under load: no connection is reset, none fails, no datagram goes to
// another backend than those before it.

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import type { DataplaneOptions } from "../../controlplane/dataplane/dataplane.ts";
import { dataplane, group, service } from "../../controlplane/dataplane/fixtures.ts";
import { buildAll } from "../../controlplane/tasks/build.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { DesiredDataplane, DesiredService } from "../../controlplane/translate/desired.ts";
import { FAMILIES, type Family, GATEWAY, LISTENER_PORT, PROTOCOLS, TARGET_PORT } from "../netns/addresses.ts";
import type { Background } from "../netns/background.ts";
import { BareNode } from "../netns/bare_node.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { Topology } from "../netns/topology.ts";
import { readReport, startFlows, startServers, startTransfer } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { buildChangedObject } from "./changed_object.ts";

/** A SYN that was lost is sent again after a second: nobody may have waited that long. */
const NO_RETRANSMISSION = 950;

/** Seconds of load around one change of versions. */
const SECONDS = 6;

/** What a version is: the object and the limits that a control plane was started with. */
type Version = Pick<DataplaneOptions, "object" | "limits" | "xdp">;

/** The services of the bare-host sample. */
function desiredOf(topology: Topology): DesiredDataplane {
  const services = FAMILIES.flatMap((family) => {
    const backends = topology.backends.map((backend) => `${backend[family]}:${TARGET_PORT}`);
    return PROTOCOLS.map((protocol): DesiredService => ({
      ...service(`${GATEWAY[family]}:${LISTENER_PORT[protocol]}`, group(1, ...backends)),
      protocol: protocol === "tcp" ? "TCP" : "UDP",
    }));
  });
  return dataplane(...services);
}

interface Load {
  readonly transfers: readonly Background[];
  readonly storm: Background;
  readonly datagrams: Background;
}

/** Long transfers both ways, connection after connection, and flows of datagrams. */
async function startLoad(topology: Topology, family: Family): Promise<Load> {
  const transfer = { family, bytes: 40e6, seconds: SECONDS } as const;
  return {
    transfers: [
      await startTransfer(topology, { direction: "put", ...transfer }),
      await startTransfer(topology, { direction: "get", ...transfer }),
    ],
    storm: startFlows(topology, { protocol: "tcp", family, seconds: SECONDS, concurrency: 10, interval: 5 }),
    datagrams: startFlows(topology, {
      protocol: "udp",
      family,
      flows: 50,
      hold: true,
      messages: 30,
      interval: 200,
    }),
  };
}

async function assertUnharmed({ transfers, storm, datagrams }: Load): Promise<void> {
  const stormed = await readReport<FlowReport>(storm);
  assertEquals([stormed.answered, stormed.failures], [stormed.flows, {}]);
  assert(stormed.flows > 500, `a storm of ${stormed.flows} connections`);
  assert(stormed.slowestConnect < NO_RETRANSMISSION, `a SYN waited ${stormed.slowestConnect} ms`);
  const told = await readReport<FlowReport>(datagrams);
  assertEquals([told.answered, told.moved, told.failures], [50, 0, {}]);
  for (const transfer of transfers) {
    const { unharmed } = await readReport<TransferReport>(transfer);
    assert(unharmed, "the transfer arrived changed");
  }
}

networkTest("versions with other maps take over under load", async (test) => {
  await buildAll();
  const changed = await buildChangedObject();
  const object = await Deno.readFile(paths.kernelObject);
  await using topology = await Topology.create();
  await startServers(topology);
  await using node = await BareNode.start(topology.host);
  const services = desiredOf(topology);
  const limits = { flows: 100_000 };
  const first: Version = { object, limits };
  await node.run(services, first);

  const [otherLayout, otherSize] = [
    /differ .*: addresses, .*flows4, flows6, .*services/,
    /differ .*: flows4, flows6(?!.*services)/,
  ];
  const steps: [string, Family, Version, RegExp][] = [
    ["fields elsewhere, values grown", "ipv4", { object: changed, limits }, otherLayout],
    ["back again", "ipv4", first, otherLayout],
    ["more flows", "ipv6", { object, limits: { flows: 150_000 } }, otherSize],
    ["fields elsewhere and fewer flows", "ipv6", { object: changed, limits }, otherLayout],
    ["the same again", "ipv4", { object: changed, limits }, /took over what was there/],
    ["XDP beside it from now on", "ipv6", { object: changed, limits, xdp: "on" }, /took over what was there/],
    ["back again, with XDP", "ipv6", { object, limits, xdp: "on" }, otherLayout],
  ];
  for (const [name, family, version, manner] of steps) {
    await test.step(`${name}, ${family}: nothing is harmed`, async () => {
      const load = await startLoad(topology, family);
      await delay(700);
      const from = node.log.length;
      await node.run(services, version);
      await assertUnharmed(load);
      assert(node.log.slice(from).some((line) => manner.test(line)), node.log.slice(from).join("\n"));
    });
  }

  for (const moment of [100, 400]) {
    await test.step(`the loader is killed ${moment} ms after the beginning: nothing is harmed`, async () => {
      const load = await startLoad(topology, "ipv4");
      await delay(700);
      const running = node.run(services, { object, limits: { flows: 100_000 + moment } });
      await delay(moment);
      await node.killLoader();
      await node.startLoader();
      await running;
      await assertUnharmed(load);
    });
  }
});
