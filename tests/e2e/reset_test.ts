// SPDX-License-Identifier: Apache-2.0

// Ends without a farewell: SO_LINGER 0 turns a close into a reset. The flow is over at once, and its ports are free.

import { assertEquals } from "@std/assert";
import { FAMILIES, LISTENER_PORT } from "../netns/addresses.ts";
import { readFlows } from "../netns/flow_table.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendResets, startResetServer } from "../netns/traffic.ts";
import { PROGRAM_PORT, takeOnePort } from "./one_port.ts";
import { Testbed } from "./testbed.ts";

/** `STATE_CLOSED` of ebpf/src/layout.rs. */
const CLOSED = 4;

/** The client's port, the same in every connection. */
const CLIENT_PORT = 40_000;

/** Connections one after the other, without a pause. */
const TIMES = 100;

networkTest("resets end a flow at once, and the same ports begin another", async (test) => {
  await using testbed = await Testbed.create({
    prepare: (manifests) => takeOnePort(manifests, LISTENER_PORT.tcp),
  });
  const { topology } = testbed;

  for (const family of FAMILIES) {
    await using _server = await startResetServer(topology.backends[0]!, family, PROGRAM_PORT);
    for (const side of ["client", "server"] as const) {
      await test.step(`${family}: the ${side} resets, ${TIMES} times`, async () => {
        const resets = side === "client";
        await sendResets(topology, { family, localPort: CLIENT_PORT, times: TIMES, resets });
        const table = family === "ipv4" ? "flows4" : "flows6";
        const flows = (await readFlows(topology.host)).filter((flow) => flow.table === table);
        const own = flows.filter(({ sport, dport }) => [sport, dport].includes(CLIENT_PORT));
        assertEquals(own.map(({ state }) => state), [CLOSED, CLOSED], "one entry for each direction");
      });
    }
  }
}, ["bpftool"]);
