// SPDX-License-Identifier: Apache-2.0

// An address that moves from a node that died: its neighbours are told, and need not wait until they forget.

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { dataplane, group, service } from "../../controlplane/dataplane/fixtures.ts";
import { buildAll } from "../../controlplane/tasks/build.ts";
import type { DesiredDataplane } from "../../controlplane/translate/desired.ts";
import { FAMILIES } from "../netns/addresses.ts";
import { BareNode } from "../netns/bare_node.ts";
import type { Netns } from "../netns/netns.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { Segment } from "./segment.ts";

/** On the segment, and no interface has it. */
const ADDRESS = { ipv4: "198.51.100.10", ipv6: "2001:db8:c::10" };

function state(announced: readonly string[]): DesiredDataplane {
  const services = FAMILIES.map((family) => {
    const address = ADDRESS[family];
    return service(`${address}:80`, group(1, family === "ipv4" ? "10.0.0.1:80" : "fd00::1:80"));
  });
  return { ...dataplane(...services), announced };
}

/** Milliseconds within which the news arrives on any machine; without news an entry is believed for 15 seconds at least. */
const SOON = 5_000;

/** What a machine believes to be an address's link-layer address. */
async function neighbour(netns: Netns, address: string): Promise<string | undefined> {
  const { stdout } = await netns.run(["ip", "-json", "neigh", "show", address]);
  return JSON.parse(stdout || "[]")[0]?.lladdr;
}

/** True when somebody resets a connection to a port of the address that no service has, within so many seconds. */
async function answers(netns: Netns, address: string, patience = 10): Promise<boolean> {
  const connect = ["bash", "-c", `exec 3<>/dev/tcp/${address}/81`];
  const { code } = await netns.run(["timeout", String(patience), ...connect], { tolerant: true });
  return code === 1;
}

networkTest(
  "a client's neighbour cache follows at once when an address moves to another node",
  async (test) => {
    await buildAll();
    await using segment = await Segment.create();
    const [client, one, two] = [
      await segment.add("client", 1),
      await segment.add("one", 2),
      await segment.add("two", 3),
    ];
    await using first = await BareNode.start(one.netns);
    await using second = await BareNode.start(two.netns);
    const all = FAMILIES.map((family) => ADDRESS[family]);
    const options = { limits: { flows: 1_000 } };
    await first.run(state(all), options);
    await second.run(state([]), options);

    await test.step("the first node answers", async () => {
      for (const address of all) {
        assert(await answers(client.netns, address), `${address} is silent`);
        assertEquals(await neighbour(client.netns, address), one.mac);
      }
    });

    await test.step("the node that takes the addresses says so", async () => {
      await segment.cut("one");
      assertEquals(await Promise.all(all.map((address) => answers(client.netns, address, 1))), [
        false,
        false,
      ]);
      const start = performance.now();
      await second.set(state(all));
      for (const address of all) {
        while (await neighbour(client.netns, address) !== two.mac) {
          assert(
            performance.now() - start < SOON,
            `${address} is still at ${await neighbour(client.netns, address)}`,
          );
          await delay(10);
        }
        console.log(`${address} followed after ${Math.round(performance.now() - start)} ms`);
        assert(await answers(client.netns, address), `${address} is silent`);
      }
    });
  },
);
