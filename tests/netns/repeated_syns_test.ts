// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { networkTest } from "./network_test_case.ts";
import { countRepeatedSyns } from "./repeated_syns.ts";
import { Topology } from "./topology.ts";

networkTest("countRepeatedSyns() counts a SYN that nobody answers, and none that is refused", async () => {
  await using topology = await Topology.create({ backends: 1, forwarding: true, masquerade: false });
  const { client, host, backends: [backend] } = topology;
  const connect = (): Promise<unknown> =>
    client.run(["socat", "-u", "OPEN:/dev/null", `TCP:${backend!.ipv4}:9,connect-timeout=1.5`], {
      tolerant: true,
    });
  await connect();
  assertEquals(await countRepeatedSyns(client), 0);
  await host.ip([`route replace blackhole ${backend!.ipv4}/32`]);
  await connect();
  assert(await countRepeatedSyns(client) > 0);
});
