// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { FAMILIES, GATEWAY } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { PROGRAM_PORT, takeOnePort } from "./one_port.ts";
import { Testbed } from "./testbed.ts";

const PORT = 5201;

/** What `iperf3 --udp --json` says of a test, as far as it matters here. */
interface Iperf {
  readonly error?: string;
  readonly end: { readonly sum: { readonly packets: number; readonly lost_packets: number } };
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
  await server.waitForLine(/listening/, 5_000);
  for (const family of FAMILIES) {
    for (const length of [64, 4_000]) {
      for (const direction of [[], ["--reverse"]]) {
        await test.step(`${family}, ${length} bytes ${direction.join()}`, async () => {
          const load = ["--udp", "--bitrate", `${length / 100}M`, "--length", String(length), "--time", "1"];
          const argv = ["iperf3", "--client", GATEWAY[family], ...load, "--json", ...direction];
          const { error, end } = JSON.parse((await client.run(argv, { tolerant: true })).stdout) as Iperf;
          assertEquals(error, undefined);
          assert(end.sum.packets > 500, `${end.sum.packets} datagrams`);
          // A receive buffer may run over on a busy machine.
          assert(end.sum.lost_packets <= end.sum.packets / 100, `${end.sum.lost_packets} lost`);
        });
      }
    }
  }
}, ["iperf3"]);
