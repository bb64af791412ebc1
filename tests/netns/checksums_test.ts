// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseSnmp, readChecksumCounters } from "./checksums.ts";
import { networkTest } from "./network_test_case.ts";
import type { CommandResult } from "./run_command.ts";
import { Topology } from "./topology.ts";

Deno.test("parseSnmp() reads pairs of lines and single lines", () => {
  const text = "Ip: Forwarding InHdrErrors\nIp: 2 5\nTcp: InSegs MaxConn\nTcp: 7 -1\nUdp6InDatagrams   \t3\n";
  assertEquals(
    Object.fromEntries(parseSnmp(text)),
    { "Ip.Forwarding": 2, "Ip.InHdrErrors": 5, "Tcp.InSegs": 7, "Tcp.MaxConn": -1, Udp6InDatagrams: 3 },
  );
});

/** Source port 1000, destination port 9, length 10, a checksum that is wrong, "hi". */
const WRONG_DATAGRAM = String.raw`\003\350\000\011\000\012\022\064hi`;

networkTest("readChecksumCounters() counts datagrams with a wrong checksum and no others", async () => {
  await using topology = await Topology.create({ backends: 1, forwarding: true });
  const { client, backends: [backend] } = topology;
  const wrong = async (): Promise<number> => (await readChecksumCounters(backend!.netns)).wrong;
  const send = (text: string, to: string): Promise<CommandResult> =>
    client.run(["sh", "-c", `printf '${text}' | socat -u - ${to}`]);
  const before = await wrong();
  await send("hi", `UDP4:${backend!.ipv4}:9`);
  await send("hi", `UDP6:[${backend!.ipv6}]:9`);
  assertEquals(await wrong() - before, 0);
  // Through a raw socket the UDP header goes out as it is given.
  await send(WRONG_DATAGRAM, `IP4-SENDTO:${backend!.ipv4}:17`);
  await send(WRONG_DATAGRAM, `IP6-SENDTO:[${backend!.ipv6}]:17`);
  assertEquals(await wrong() - before, 2);
});
