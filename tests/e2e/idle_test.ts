// SPDX-License-Identifier: Apache-2.0

// Connections that say nothing for long. Hours pass here by taking their entries out of the kernel, which is all that
// time can do to them.

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { FAMILIES, GATEWAY, joinHostPort, LISTENER_PORT, PROTOCOLS } from "../netns/addresses.ts";
import { forgetFlows, readFlows } from "../netns/flow_table.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { readReport, startFlows } from "../netns/traffic.ts";
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
        startFlows(topology, { protocol, family, flows: FLOWS, hold: true, messages: 2, interval: 8_000 })
      )
    );
    let known = 0;
    for (let attempt = 0; attempt < 40 && known < programs.length * FLOWS * 2; attempt++) {
      await delay(100);
      known = (await readFlows(host)).length;
    }
    // The last opening packets may still be on their way.
    await delay(500);
    assertEquals(await forgetAll(), programs.length * FLOWS * 2);
    for (const program of programs) {
      const report = await readReport<FlowReport>(program);
      assertEquals([report.answered, report.moved, report.failures], [FLOWS, 0, {}]);
    }
  });

  await test.step("come back by the client's keep-alive, without a word of either side", async () => {
    await forgetAll();
    const connections = FAMILIES.map((family) => {
      const to = `TCP:${joinHostPort(GATEWAY[family], LISTENER_PORT.tcp)},keepalive,keepidle=1,keepintvl=1`;
      return client.start(["sh", "-c", `(echo who; sleep 6; echo who) | socat - ${to}`]);
    });
    const first = await Promise.all(connections.map((one) => one.waitForLine(/^b\d /, 5_000)));
    assert(await forgetAll() > 0);
    await delay(2_500);
    const flows = (await readFlows(host)).filter(({ protocol }) => protocol === TCP);
    assertEquals(flows.length, FAMILIES.length * 2, "both directions are known again");
    for (const [index, connection] of connections.entries()) {
      assertEquals(await connection.waitForLine(/^b\d /, 10_000, 1), first[index]);
      await connection.stop();
    }
  });
}, ["bpftool"]);
