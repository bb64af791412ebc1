// SPDX-License-Identifier: Apache-2.0

// One side has said all, the other one goes on: the flow is closing, and must go on for as long.

import { assertEquals } from "@std/assert";
import { FAMILIES, GATEWAY, joinHostPort, LISTENER_PORT } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { PROGRAM_PORT, takeOnePort } from "./one_port.ts";
import { Testbed } from "./testbed.ts";

/** Seconds of silence between the end of one side and the first word of the other. */
const SILENCE = 1.5;

/** Tells how much came until the client had said all, is silent, and then talks at length. */
const LATE_TALKER = `wc --bytes; sleep ${SILENCE}; seq 100000; sleep 1; echo end`;

/** Says all at once, and listens to what comes. */
const EARLY_TALKER = "echo all; exec 1>&-; wc --bytes >&2";

networkTest("half-closed connections go on in the other direction", async (test) => {
  await using testbed = await Testbed.create({
    prepare: (manifests) => takeOnePort(manifests, LISTENER_PORT.tcp),
  });
  const { client, backends } = testbed.topology;
  const { netns } = backends[0]!;
  const words = Array.from({ length: 100_000 }, (_, index) => index + 1).join("\n");

  const ends = FAMILIES.map((family) => {
    const to = `TCP:${joinHostPort(GATEWAY[family], LISTENER_PORT.tcp)}`;
    const listen = `${family === "ipv4" ? "TCP4-LISTEN" : "TCP6-LISTEN"}:${PROGRAM_PORT},fork,reuseaddr`;
    return { to, listen: family === "ipv4" ? listen : `${listen},ipv6-v6only=1` };
  });

  await test.step("the server goes on after the client has shut down writing", async () => {
    await Promise.all(ends.map(async ({ to, listen }) => {
      await using server = netns.start(["socat", "-t", "20", "-d", "-d", listen, `SYSTEM:${LATE_TALKER}`]);
      await server.waitForLine(/listening on/, 60_000);
      const { stdout } = await client.run(["socat", "-t", "20", "-", to], { input: words });
      assertEquals(stdout, `${words.length}\n${words}\nend\n`);
    }));
  });

  await test.step("the client goes on after the server has shut down writing", async () => {
    await Promise.all(ends.map(async ({ to, listen }) => {
      await using server = netns.start(["socat", "-t", "20", "-d", "-d", listen, `SYSTEM:${EARLY_TALKER}`]);
      await server.waitForLine(/listening on/, 60_000);
      const slow = `(sleep ${SILENCE}; seq 100000) | socat -t 20 - ${to}`;
      const { stdout } = await client.run(["sh", "-c", slow]);
      assertEquals(stdout, "all\n");
      assertEquals((await server.waitForLine(/^\d+$/, 60_000)).trim(), String(words.length + 1));
    }));
  });
});
