// SPDX-License-Identifier: Apache-2.0

// Versions with other maps, one after the other, under load: no connection is reset, none fails, no datagram goes to
// another backend than those before it.

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { Family } from "../netns/addresses.ts";
import type { Background } from "../netns/background.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { readReport, startFlows, startTransfer } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import type { TransferReport } from "../netns/traffic/transfer.ts";
import { buildChangedObject } from "./changed_object.ts";
import { Site, type Version } from "./site.ts";

/** A SYN that was lost is sent again after a second: nobody may have waited that long. */
const NO_RETRANSMISSION = 950;

/** Seconds of load around one change of versions. */
const SECONDS = 6;

interface Load {
  readonly transfers: readonly Background[];
  readonly storm: Background;
  readonly datagrams: Background;
}

/** Long transfers both ways, connection after connection, and flows of datagrams. */
async function startLoad({ topology }: Site, family: Family): Promise<Load> {
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
  const changed = await buildChangedObject();
  const object = await Deno.readFile(paths.kernelObject);
  await using site = await Site.create();
  const limits = { flows: 100_000 };
  const first: Version = { object, limits };
  await site.run(first);

  const [otherLayout, otherSize] = [/differ .*: .*backends, .*services/, /differ .*: flows4, flows6$/];
  const steps: [string, Family, Version, RegExp][] = [
    ["every field elsewhere, values grown", "ipv4", { object: changed, limits }, otherLayout],
    ["back again", "ipv4", first, otherLayout],
    ["more flows", "ipv6", { object, limits: { flows: 150_000 } }, otherSize],
    ["every field elsewhere and fewer flows", "ipv6", { object: changed, limits }, otherLayout],
    ["the same again", "ipv4", { object: changed, limits }, /took over what was there/],
  ];
  for (const [name, family, version, manner] of steps) {
    await test.step(`${name}, ${family}: nothing is harmed`, async () => {
      const load = await startLoad(site, family);
      await delay(700);
      const from = site.log.length;
      await site.run(version);
      await assertUnharmed(load);
      assert(site.log.slice(from).some((line) => manner.test(line)), site.log.slice(from).join("\n"));
    });
  }

  for (const moment of [100, 250, 400]) {
    await test.step(`the loader is killed ${moment} ms after the beginning: nothing is harmed`, async () => {
      const load = await startLoad(site, "ipv4");
      await delay(700);
      const running = site.run({ object, limits: { flows: 100_000 + moment } });
      await delay(moment);
      await site.killLoader();
      await site.startLoader();
      await running;
      await assertUnharmed(load);
    });
  }
});
