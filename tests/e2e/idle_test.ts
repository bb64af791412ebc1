// SPDX-License-Identifier: Apache-2.0

// Connections that say nothing for long. Hours pass here by taking their entries out of the kernel, which is all that
// time can do to them.

import { assert, assertEquals } from "@std/assert";
import { poll } from "../cluster/poll.ts";
import { FAMILIES, GATEWAY, joinHostPort, LISTENER_PORT, PROTOCOLS } from "../netns/addresses.ts";
import { forgetFlows, readFlows } from "../netns/flow_table.ts";
import { Marks } from "../netns/marks.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { flowsOpen, goOn, readReport, startFlows } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { Testbed } from "./testbed.ts";

/** IPPROTO_TCP. */
const TCP = 6;

/** Flows of each protocol and family. */
const FLOWS = 50;

networkTest("flows that were idle until the kernel forgot them", async (test) => {
  await using testbed = await Testbed.create();
  const { topology } = testbed;
  const { host, client } = topology;

  const forgetAll = async (): Promise<number> => {
    const flows = await readFlows(host);
    await forgetFlows(host, flows);
    return flows.length;
  };

  await test.step("go on with their backends at the client's next word, TCP and UDP", async () => {
    const programs = FAMILIES.flatMap((family) =>
      PROTOCOLS.map((protocol) =>
        startFlows(topology, {
          protocol,
          family,
          flows: FLOWS,
          hold: true,
          wait: true,
          messages: 2,
          interval: 500,
        })
      )
    );
    await Promise.all(programs.map(flowsOpen));
    // The last opening packets may still be on their way.
    const all = programs.length * FLOWS * 2;
    const ready = async (): Promise<boolean> => (await readFlows(host)).length === all;
    assertEquals(await poll({ ready, patience: 60_000 }), "ready");
    assertEquals(await forgetAll(), all);
    programs.forEach(goOn);
    for (const program of programs) {
      const report = await readReport<FlowReport>(program);
      assertEquals([report.answered, report.moved, report.failures], [FLOWS, 0, {}]);
    }
  });

  await test.step("come back by the client's keep-alive, without a word of either side", async () => {
    await forgetAll();
    await using marks = await Marks.create();
    const connections = FAMILIES.map((family) => {
      const to = `TCP:${joinHostPort(GATEWAY[family], LISTENER_PORT.tcp)},keepalive,keepidle=1,keepintvl=1`;
      return client.start(["sh", "-c", `(echo who; ${marks.wait("again")}; echo who) | socat - ${to}`]);
    });
    const first = await Promise.all(connections.map((one) => one.waitForLine(/^b\d /, 60_000)));
    assert(await forgetAll() > 0);
    const bothDirections = FAMILIES.length * 2;
    const ready = async (): Promise<boolean> =>
      (await readFlows(host)).filter(({ protocol }) => protocol === TCP).length === bothDirections;
    assertEquals(await poll({ ready, patience: 60_000 }), "ready", "both directions are known again");
    await marks.set("again");
    for (const [index, connection] of connections.entries()) {
      assertEquals(await connection.waitForLine(/^b\d /, 60_000, 1), first[index]);
      await connection.stop();
    }
  });
}, ["bpftool"]);
