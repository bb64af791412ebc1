// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Peers } from "./ends.ts";
import { BACKEND_ALIVE, BACKEND_SNAT } from "./dataplane/layout.ts";
import { KernelModel } from "./dataplane/model.ts";
import { Planner } from "./dataplane/planner.ts";
import type { Routes } from "./dataplane/routes.ts";
import {
  endpointSlice,
  gateway,
  gatewayClassConfig,
  gatewayClassWithConfig,
  node,
  service,
  snapshotOf,
  statusOf,
  tcpRoute,
  withAddresses,
} from "./translate/testing.ts";
import { translateHere } from "./translate_here.ts";

const CLASS = [gatewayClassWithConfig(), gatewayClassConfig({ addressPools: [{ cidr: "192.0.2.0/28" }] })];
const WEB = gateway("default/web", { addresses: [] });

/** Peers that say what they are told to say. */
function fakePeers(
  leads: boolean,
  equipped: readonly string[] = ["there"],
): Peers & { leads: boolean; equipped: readonly string[] } {
  return {
    leads,
    equipped,
    announced: (services) => services.map(({ address }) => address),
    ready: () => {},
    leave: () => Promise.resolve(),
  };
}

Deno.test("translateHere() announces everything where this control plane is alone", () => {
  const { dataplane } = translateHere(() => ({}))(snapshotOf(...CLASS, WEB));
  assertEquals([dataplane.services.length, dataplane.announced], [1, undefined]);
});

Deno.test("translateHere() assigns addresses while it leads, and only then", () => {
  const peers = fakePeers(false);
  const translate = translateHere(() => ({}), peers);
  const snapshot = snapshotOf(...CLASS, WEB);
  const addresses = (): unknown => statusOf(translate(snapshot), "Gateway", "default/web").addresses;
  assertEquals(addresses(), []);
  peers.leads = true;
  assertEquals(addresses(), [{ type: "IPAddress", value: "192.0.2.4" }]);
  peers.leads = false;
  assertEquals(addresses(), []);
});

Deno.test("translateHere() goes by the options as they are at each translation", () => {
  const options: { bundleVersion?: string } = {};
  const translate = translateHere(() => options);
  const snapshot = snapshotOf(...CLASS);
  const supported = (): unknown =>
    statusOf(translate(snapshot), "GatewayClass", "blixt").conditions
      .find(({ type }: { type: string }) => type === "SupportedVersion")?.status;
  assertEquals(supported(), undefined);
  options.bundleVersion = "v1.5.0";
  assertEquals(supported(), "False");
  options.bundleVersion = "v1.6.3";
  assertEquals(supported(), "True");
});

Deno.test("translateHere() takes traffic at addresses that another control plane has assigned, and announces its share", () => {
  const snapshot = snapshotOf(...CLASS, withAddresses(WEB, "192.0.2.7"));
  const { dataplane } = translateHere(() => ({}), fakePeers(false))(snapshot);
  assertEquals(dataplane.services.map(({ address }) => address), ["192.0.2.7"]);
  assertEquals(dataplane.announced, ["192.0.2.7"]);
});

Deno.test("translateHere() knows the nodes of endpoints that have Blixt, and no others", () => {
  const endpoints = ["there", "bare"].map((nodeName, index) => ({
    addresses: [`10.0.0.${index}`],
    nodeName,
  }));
  const snapshot = snapshotOf(
    ...CLASS,
    gateway("default/web"),
    tcpRoute("default/echo"),
    service("default/echo"),
    endpointSlice("default/echo", { endpoints }),
    node("there", "10.9.0.2"),
    node("bare", "10.9.0.3"),
  );
  const translate = translateHere(() => ({ node: "here" }), fakePeers(true));
  const [first, again] = [translate(snapshot), translate(snapshot)];
  const nodes = first.dataplane.services.flatMap(({ groups }) => groups.flatMap((group) => group.endpoints))
    .map(({ node }) => node);
  assertEquals(nodes, ["10.9.0.2", undefined]);
  assertEquals(again.dataplane.services === first.dataplane.services, true);
});

Deno.test("translateHere() knows its own node's addresses before the others know that it has Blixt", () => {
  const nodes = [node("here", "10.9.0.1"), node("there", "10.9.0.2"), node("bare", "10.9.0.3")];
  const { dataplane } = translateHere(() => ({ node: "here" }), fakePeers(true))(
    snapshotOf(...CLASS, ...nodes),
  );
  assertEquals(dataplane.nodes, { own: ["10.9.0.1"], others: ["10.9.0.2"] });
});

Deno.test("translateHere() leaves a node its own address, whether it has Blixt or not", () => {
  const peers = fakePeers(true);
  const translate = translateHere(() => ({ node: "here" }), peers);
  const free = ["192.0.2.5", "192.0.2.6"];
  const taken = Array.from({ length: 16 }, (_, index) => `192.0.2.${index}`).filter((ip) =>
    !free.includes(ip)
  );
  const named = gateway("default/named", { addresses: [{ value: "192.0.2.3" }, { value: "192.0.2.20" }] });
  const snapshot = snapshotOf(...CLASS, WEB, named, node("here", "10.9.0.1"), node("there", ...taken));
  for (const equipped of [["there"], [], ["there"]]) {
    peers.equipped = equipped;
    const translation = translate(snapshot);
    const [pooled] = statusOf(translation, "Gateway", "default/web").addresses;
    assertEquals(free.includes(pooled.value), true, pooled.value);
    assertEquals(translation.dataplane.services.map(({ address }) => address), [pooled.value, "192.0.2.20"]);
  }
});

Deno.test("translateHere() leaves flows to another node by SNAT as they are when that node comes to have Blixt", () => {
  const snapshot = snapshotOf(
    gatewayClassWithConfig(),
    gatewayClassConfig({ remoteBackends: "SNAT" }),
    gateway("default/web"),
    tcpRoute("default/echo"),
    service("default/echo"),
    endpointSlice("default/echo", { endpoints: [{ addresses: ["10.0.0.1"], nodeName: "there" }] }),
    node("here", "10.9.0.1"),
    node("there", "10.9.0.2"),
  );
  const peers = fakePeers(true, []);
  const translate = translateHere(() => ({ node: "here" }), peers);
  const hop = { ifindex: 7, gateway: "10.9.0.254", source: "10.9.0.1" };
  const routes: Routes = { version: 1, get: () => hop };
  const kernel = new KernelModel();
  let epoch = 0;
  const planner = new Planner(kernel, { services: 9, backends: 9, tables: 9 }, () => ++epoch);
  const programmed = (): unknown => {
    const { changes } = planner.plan(translate(snapshot).dataplane, routes, new Set());
    for (const change of changes) kernel.apply(change);
    return structuredClone(kernel.backends);
  };
  const first = programmed();
  for (const equipped of [["here"], ["here", "there"], ["here"]]) {
    peers.equipped = equipped;
    assertEquals(programmed(), first, `with Blixt on ${equipped}`);
  }
  assertEquals([...kernel.backends.values()].map(({ source, flags }) => [source, flags]), [[
    "10.9.0.1",
    BACKEND_ALIVE | BACKEND_SNAT,
  ]]);
});
