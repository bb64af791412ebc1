// SPDX-License-Identifier: Apache-2.0

// Versions with other maps, one after the other, under load: no connection is reset, none fails, no datagram goes to
// another backend than those before it.

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import type { DataplaneOptions } from "../../controlplane/dataplane/dataplane.ts";
import { dataplane, group, service } from "../../controlplane/dataplane/fixtures.ts";
import { buildAll } from "../../controlplane/tasks/build.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { DesiredDataplane, DesiredService } from "../../controlplane/translate/desired.ts";
import { FAMILIES, type Family, GATEWAY, LISTENER_PORT, PROTOCOLS, TARGET_PORT } from "../netns/addresses.ts";
import { BareNode } from "../netns/bare_node.ts";
import { assertUnharmed, startLoad } from "../netns/load.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { countRepeatedSyns } from "../netns/repeated_syns.ts";
import { Topology } from "../netns/topology.ts";
import { startServers } from "../netns/traffic.ts";
import { buildChangedObject } from "./changed_object.ts";

/** What a version is: the object and the limits that a control plane was started with. */
type Version = Pick<DataplaneOptions, "object" | "limits" | "xdp">;

/** The services of the bare-host sample. */
function desiredOf(topology: Topology): DesiredDataplane {
  const services = FAMILIES.flatMap((family) => {
    const backends = topology.backends.map((backend) => `${backend[family]}:${TARGET_PORT}`);
    return PROTOCOLS.map((protocol): DesiredService => ({
      ...service(`${GATEWAY[family]}:${LISTENER_PORT[protocol]}`, group(1, ...backends)),
      protocol: protocol === "tcp" ? "TCP" : "UDP",
    }));
  });
  return dataplane(...services);
}

networkTest("versions with other maps take over under load", async (test) => {
  await buildAll();
  const changed = await buildChangedObject();
  const object = await Deno.readFile(paths.kernelObject);
  await using topology = await Topology.create();
  await startServers(topology);
  await using node = await BareNode.start(topology.host);
  const services = desiredOf(topology);
  const limits = { flows: 100_000 };
  const first: Version = { object, limits };
  await node.run(services, first);

  const [otherLayout, otherSize] = [
    /differ .*: addresses, .*flows4, flows6, .*services/,
    /differ .*: flows4, flows6(?!.*services)/,
  ];
  const steps: [string, Family, Version, RegExp][] = [
    ["fields elsewhere, values grown", "ipv4", { object: changed, limits }, otherLayout],
    ["back again", "ipv4", first, otherLayout],
    ["more flows", "ipv6", { object, limits: { flows: 150_000 } }, otherSize],
    ["fields elsewhere and fewer flows", "ipv6", { object: changed, limits }, otherLayout],
    ["the same again", "ipv4", { object: changed, limits }, /took over what was there/],
    ["XDP beside it from now on", "ipv6", { object: changed, limits, xdp: "on" }, /took over what was there/],
    ["back again, with XDP", "ipv6", { object, limits, xdp: "on" }, otherLayout],
  ];
  for (const [name, family, version, manner] of steps) {
    await test.step(`${name}, ${family}: nothing is harmed`, async () => {
      const load = await startLoad(topology, family);
      const from = node.log.length;
      await node.run(services, version);
      await assertUnharmed(load);
      assertEquals(await countRepeatedSyns(topology.client), 0);
      assert(node.log.slice(from).some((line) => manner.test(line)), node.log.slice(from).join("\n"));
    });
  }

  for (const moment of [100, 400]) {
    await test.step(`the loader is killed ${moment} ms after the beginning: nothing is harmed`, async () => {
      const load = await startLoad(topology, "ipv4");
      const running = node.run(services, { object, limits: { flows: 100_000 + moment } });
      await delay(moment);
      await node.killLoader();
      await node.startLoader();
      await running;
      await assertUnharmed(load);
      assertEquals(await countRepeatedSyns(topology.client), 0);
    });
  }
});
