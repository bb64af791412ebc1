// SPDX-License-Identifier: Apache-2.0

// Others' programs and filters on the same interface. The host forwards nothing itself, so what a program before Blixt's
// hands to the host's stack is lost, and Blixt has to say so.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { dataplane, group, service } from "../../controlplane/dataplane/fixtures.ts";
import { readChains } from "../../controlplane/dataplane/neighbours.ts";
import { MAP_TYPE } from "../../controlplane/dataplane/object.ts";
import { FIRST } from "../../controlplane/dataplane/order.ts";
import { HOOK, ORDER, type Order } from "../../controlplane/loader/messages.ts";
import { buildObject } from "../../controlplane/loader/object_builder.ts";
import { scenarioObject } from "../../controlplane/loader/scenario_object.ts";
import { buildAll } from "../../controlplane/tasks/build.ts";
import { GATEWAY, HOST, LISTENER_PORT, TARGET_PORT } from "../netns/addresses.ts";
import { BareNode } from "../netns/bare_node.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { OUTWARD, Topology } from "../netns/topology.ts";
import { sendFlows, startServers } from "../netns/traffic.ts";

const limits = { flows: 1_000 };

/** An object with a program that drops every packet: return 2, which is TC_ACT_SHOT. */
function droppingObject(): Uint8Array {
  const map = { name: "unused", type: MAP_TYPE.ARRAY, key: "u32", value: "u32", maxEntries: 1 } as const;
  const code = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
  return buildObject([map], [{ name: "drop", section: "classifier", code }]);
}

/** Somebody else, with a program on an interface that hands every packet to the stack and lets no other program see it. */
class Foreigner {
  constructor(private readonly node: BareNode, private readonly ifindex: number) {}

  async attach(order: Order): Promise<void> {
    using client = this.node.client();
    await client.load({ name: "other", object: scenarioObject() });
    const attachments = [{ program: "ingress", hook: HOOK.TCX_INGRESS, ifindex: this.ifindex }];
    const [result] = await client.attach({ name: "other", attachments, order });
    assertEquals(result?.error, "");
  }

  async leave(): Promise<void> {
    using client = this.node.client();
    await client.unload("other");
  }
}

networkTest("Blixt beside others' programs", async (test) => {
  await buildAll();
  await using topology = await Topology.create({ backends: 1 });
  await startServers(topology);
  await using node = await BareNode.start(topology.host);
  await using other = await BareNode.start(topology.host, "OTHER");
  const { stdout } = await topology.host.run(["ip", "-json", "link", "show", OUTWARD]);
  const ifindex: number = JSON.parse(stdout)[0].ifindex;
  const foreigner = new Foreigner(other, ifindex);
  const backend = `${topology.backends[0]?.ipv4}:${TARGET_PORT}`;
  const state = dataplane(service(`${GATEWAY.ipv4}:${LISTENER_PORT.tcp}`, group(1, backend)));

  /** Milliseconds that connections have which nobody is to answer. */
  const briefly = { timeout: 500 };
  const answered = async (time: { timeout?: number } = {}): Promise<number> => {
    const flows = { protocol: "tcp", family: "ipv4", flows: 20, ...time } as const;
    return (await sendFlows(topology, flows)).answered;
  };
  const programs = async (): Promise<string[]> => {
    using client = node.client();
    const links = (await readChains(client, [ifindex])).get(ifindex)?.links ?? [];
    return links.map(({ object }) => object);
  };

  await test.step("first, before a program that was there and would take everything", async () => {
    await foreigner.attach(ORDER.FIRST);
    await node.run(state, { limits, order: FIRST });
    assertEquals(await programs(), ["blixt", ""]);
    assertEquals(await answered(), 20);
    assert(!node.log.some((line) => line.includes("before Blixt")), node.log.join("\n"));
  });

  await test.step("a program that comes before it is named", async () => {
    await foreigner.leave();
    await foreigner.attach(ORDER.FIRST);
    assertEquals([await programs(), await answered(briefly)], [["", "blixt"], 0]);
    await node.run(state, { limits });
    assertMatch(node.log.join("\n"), /Another's program runs before Blixt on interface eth0 \(id \d+\)/);
    await foreigner.leave();
    assertEquals(await answered(), 20);
  });

  await test.step("after a program by its id, and not at all where that has gone", async () => {
    await node.close();
    await foreigner.attach(ORDER.FIRST);
    using client = node.client();
    await node.run(dataplane(), { limits });
    const [chain] = await client.query({ hook: HOOK.TCX_INGRESS, ifindices: [ifindex] });
    const programId = chain?.links.find(({ object }) => object === "")?.programId ?? 0;
    await node.close();
    const order = { order: ORDER.AFTER, anchor: { programId } };
    await node.run(state, { limits, order });
    assertEquals(await programs(), ["", "blixt"]);
    await node.close();
    await foreigner.leave();
    await node.run(state, { limits, order });
    assertEquals(await programs(), []);
    assertMatch(
      node.log.join("\n"),
      /Interface eth0 has no Blixt .* after program \d+: that does not hang there/,
    );
    await node.close();
    await node.run(state, { limits });
    assertEquals(await answered(), 20);
  });

  await test.step("what is not Blixt's still meets the filters of clsact, and they take nothing of it", async () => {
    const { host, client } = topology;
    const reaches = async (seconds = 10): Promise<boolean> => {
      const connect = ["bash", "-c", `exec 3<>/dev/tcp/${HOST.ipv4}/9`];
      // The host itself resets it: nobody listens there.
      return (await client.run(["timeout", String(seconds), ...connect], { tolerant: true })).code === 1;
    };
    assert(await reaches());
    await host.run(["tc", "qdisc", "add", "dev", OUTWARD, "clsact"]);
    using loader = other.client();
    await loader.load({ name: "filter", object: droppingObject() });
    const program = `${other.pins}/filter/programs/drop`;
    await host.run(["tc", "filter", "add", "dev", OUTWARD, "ingress", "bpf", "da", "object-pinned", program]);
    assert(!await reaches(1), "the filter did not see the packet");
    assertEquals(await answered(), 20);
  });
});
