// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { FAMILIES, GATEWAY } from "../netns/addresses.ts";
import { readSnmp } from "../netns/checksums.ts";
import type { Netns } from "../netns/netns.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { PROGRAM_PORT, takeOnePort } from "./one_port.ts";
import { Testbed } from "./testbed.ts";

const PORT = 5201;

/** What `iperf3 --udp --json` says of a test, as far as it matters here. */
interface Iperf {
  readonly error?: string;
  readonly end: { readonly sum: { readonly packets: number; readonly lost_packets: number } };
}

/**
 * Datagrams that arrived in a network namespace and found their socket's buffer full, because its program had no turn
 * on a busy machine (RcvbufErrors, linux/snmp.h).
 */
async function countOverflows(netns: Netns): Promise<number> {
  const counters = await readSnmp(netns);
  return counters.get("Udp.RcvbufErrors")! + counters.get("Udp6RcvbufErrors")!;
}

networkTest("iperf3 over UDP loses nothing, in whole packets and in fragments, both ways", async (test) => {
  await using testbed = await Testbed.create({ prepare: (manifests) => takeOnePort(manifests, PORT) });
  const { client, backends } = testbed.topology;
  // Its control connection is TCP at the same port: both must reach the same server.
  const server = backends[0]!.netns.start([
    "iperf3",
    "--server",
    "--port",
    String(PROGRAM_PORT),
    "--forceflush",
  ]);
  await server.waitForLine(/listening/, 60_000);
  for (const family of FAMILIES) {
    for (const length of [64, 4_000]) {
      for (const direction of [[], ["--reverse"]]) {
        await test.step(`${family}, ${length} bytes ${direction.join()}`, async () => {
          const load = ["--udp", "--bitrate", `${length / 100}M`, "--length", String(length), "--time", "1"];
          const receiver = direction.length === 0 ? backends[0]!.netns : client;
          const before = await countOverflows(receiver);
          const argv = ["iperf3", "--client", GATEWAY[family], ...load, "--json", ...direction];
          const { error, end } = JSON.parse((await client.run(argv, { tolerant: true })).stdout) as Iperf;
          assertEquals(error, undefined);
          assert(end.sum.packets > 500, `${end.sum.packets} datagrams`);
          const arrived = await countOverflows(receiver) - before;
          assert(end.sum.lost_packets <= arrived, `${end.sum.lost_packets} lost, ${arrived} of them arrived`);
        });
      }
    }
  }
}, ["iperf3"]);
