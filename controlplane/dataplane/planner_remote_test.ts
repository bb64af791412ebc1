// SPDX-License-Identifier: Apache-2.0

// Where packets for endpoints on other nodes are sent.

import { assertEquals, assertNotEquals } from "@std/assert";
import type { DesiredDataplane, NodeAddresses } from "../translate/desired.ts";
import { dataplane, group, service } from "./fixtures.ts";
import {
  BACKEND_ALIVE,
  BACKEND_LOCAL,
  BACKEND_REMOTE,
  BACKEND_SNAT,
  BACKEND_TUNNEL,
  NODE_SELF,
} from "./layout.ts";
import { KernelModel } from "./model.ts";
import { Planner } from "./planner.ts";
import type { Hop, Routes } from "./routes.ts";

const roomy = { services: 9, backends: 9, tables: 9 };
const nowhere = new Set<string>();
const [web, a] = ["192.0.2.1:80", "10.0.0.1:8080"];

const own: NodeAddresses = { own: ["10.9.0.1", "fd00:9::1"], others: ["10.9.0.2", "fd00:9::2"] };

/** One endpoint on another node, if that has an address. */
function placed(node: string | undefined, address = a, nodes: NodeAddresses = own): DesiredDataplane {
  const [endpoint] = group(1, address).endpoints;
  const there = { ...endpoint!, ...(node === undefined ? {} : { node, elsewhere: true }) };
  return { ...dataplane(service(web, { ...group(1), endpoints: [there] })), nodes };
}

/** The way to one endpoint that a node has, as the kernel gets it. */
function wayTo(
  node: string | undefined,
  hops: Readonly<Record<string, Hop>>,
  nodes: NodeAddresses = own,
): unknown {
  const kernel = new KernelModel();
  const planner = new Planner(kernel, roomy, () => 1);
  const desired = placed(node, a, nodes);
  const ways: Routes = { version: 1, get: (address) => hops[address] ?? { ifindex: 0, gateway: "" } };
  for (const change of planner.plan(desired, ways, nowhere).changes) kernel.apply(change);
  assertEquals(planner.plan(structuredClone(desired), ways, nowhere).changes, [], "and it stays so");
  const { ifindex, gateway, source, flags } = kernel.backends.get(1)!;
  return { ifindex, gateway, source, flags };
}

const routed = { "10.0.0.1": { ifindex: 3, gateway: "10.9.0.254" } };

Deno.test("Planner.plan() sends packets to the node that has the endpoint as they are where that is on-link", () => {
  const hops = { ...routed, "10.9.0.2": { ifindex: 4, gateway: "" } };
  assertEquals(wayTo("10.9.0.2", hops), {
    ifindex: 4,
    gateway: "10.9.0.2",
    source: "",
    flags: BACKEND_ALIVE | BACKEND_REMOTE,
  });
});

Deno.test("Planner.plan() sends packets to a node behind a router inside others, from this node's address", () => {
  const flags = BACKEND_ALIVE | BACKEND_REMOTE | BACKEND_TUNNEL;
  assertEquals(wayTo("10.9.0.2", { ...routed, "10.9.0.2": { ifindex: 4, gateway: "10.9.0.254" } }), {
    ifindex: 4,
    gateway: "10.9.0.2",
    source: "10.9.0.1",
    flags,
  });
  assertEquals(
    wayTo("fd00:9::2", { "fd00:9::2": { ifindex: 5, gateway: "" } }),
    { ifindex: 5, gateway: "fd00:9::2", source: "fd00:9::1", flags },
    "a next hop of another family takes no packet as it is",
  );
});

Deno.test("Planner.plan() sends packets to the endpoint by way of the routing table in all other cases", () => {
  const way = { ...routed["10.0.0.1"], source: "", flags: BACKEND_ALIVE };
  const beyondRouter = { ...routed, "10.9.0.2": { ifindex: 4, gateway: "10.9.0.254" } };
  const onLink = { ...routed, "10.9.0.2": { ifindex: 4, gateway: "" } };
  assertEquals(wayTo("10.9.0.2", routed), way, "no way to the node");
  assertEquals(wayTo(undefined, onLink), way, "on this node, or unknown");
  const nameless = { own: ["fd00:9::1"], others: own.others };
  assertEquals(wayTo("10.9.0.2", beyondRouter, nameless), way, "no address of its own to come from");
});

Deno.test("Planner.plan() changes the way in place, with another epoch, when an endpoint comes to be another node's", () => {
  const kernel = new KernelModel();
  let epoch = 0;
  const planner = new Planner(kernel, roomy, () => ++epoch);
  const plan = (version: number, hop: Hop): unknown => {
    const ways: Routes = { version, get: () => hop };
    for (const change of planner.plan(placed("10.9.0.2"), ways, nowhere).changes) {
      kernel.apply(change);
      kernel.assertConsistent();
    }
    const { flags, epoch } = kernel.backends.get(1)!;
    return [flags, epoch];
  };
  const remote = BACKEND_ALIVE | BACKEND_REMOTE;
  assertEquals(plan(1, { ifindex: 0, gateway: "" }), [BACKEND_ALIVE, 1]);
  assertEquals(plan(2, { ifindex: 4, gateway: "" }), [remote, 2]);
  assertEquals(plan(3, { ifindex: 4, gateway: "10.9.0.1" }), [remote | BACKEND_TUNNEL, 2], "its flows go on");
  assertEquals(plan(4, { ifindex: 4, gateway: "" }), [remote, 2]);
});

Deno.test("Planner.plan() tells the kernel of nodes before it sends anything to them, and of those that go", () => {
  const kernel = new KernelModel();
  const planner = new Planner(kernel, roomy, () => 1);
  const ways: Routes = { version: 1, get: () => ({ ifindex: 4, gateway: "10.9.0.254" }) };
  const plan = (nodes: NodeAddresses | undefined): string[] => {
    const { nodes: _, ...rest } = placed("10.9.0.2");
    const { changes } = planner.plan({ ...rest, ...(nodes && { nodes }) }, ways, nowhere);
    for (const change of changes) kernel.apply(change);
    return changes.map(({ map }) => map);
  };
  const maps = plan(own);
  assertEquals(maps.slice(0, 4), ["nodes", "nodes", "nodes", "nodes"]);
  assertEquals(maps.slice(4).includes("nodes"), false);
  assertEquals(Object.fromEntries(kernel.nodes), {
    "10.9.0.1": NODE_SELF,
    "fd00:9::1": NODE_SELF,
    "10.9.0.2": 0,
    "fd00:9::2": 0,
  });
  assertEquals(plan({ own: own.own, others: ["10.9.0.3"] }), ["nodes", "nodes", "nodes"]);
  assertEquals([...kernel.nodes.keys()].sort(), ["10.9.0.1", "10.9.0.3", "fd00:9::1"]);
  plan(undefined);
  assertEquals(kernel.nodes.size, 0);
});

Deno.test("Planner.plan() follows this node's own address", () => {
  const kernel = new KernelModel();
  const planner = new Planner(kernel, roomy, () => 1);
  const ways: Routes = { version: 1, get: () => ({ ifindex: 4, gateway: "10.9.0.254" }) };
  const desired = placed("10.9.0.2");
  const source = (nodes: NodeAddresses): string => {
    for (const change of planner.plan({ ...desired, nodes }, ways, nowhere).changes) kernel.apply(change);
    return kernel.backends.get(1)!.source;
  };
  assertEquals(source(own), "10.9.0.1");
  assertEquals(source({ ...own, own: ["10.9.0.7"] }), "10.9.0.7");
});

Deno.test("Planner takes nodes over as the kernel has them", () => {
  const kernel = new KernelModel();
  const ways: Routes = { version: 1, get: () => ({ ifindex: 4, gateway: "10.9.0.254" }) };
  const plan = (): number => {
    const { changes } = new Planner(kernel, roomy, () => 1).plan(placed("10.9.0.2"), ways, nowhere);
    for (const change of changes) kernel.apply(change);
    return changes.length;
  };
  assertNotEquals(plan(), 0);
  assertEquals(plan(), 0);
});

Deno.test("Planner.plan() hands packets to the host's own stack where the endpoint has the host's address", () => {
  const own = { "10.0.0.1": { ifindex: 0, gateway: "", local: true } };
  const way = { ifindex: 0, gateway: "", source: "", flags: BACKEND_ALIVE | BACKEND_LOCAL };
  assertEquals(wayTo(undefined, own), way);
  const elsewhere = { ...own, "10.9.0.2": { ifindex: 4, gateway: "" } };
  assertEquals(wayTo("10.9.0.2", elsewhere), way, "whatever the node is said to be");
});

Deno.test("Planner.plan() puts this node's address in the client's place for endpoints on other nodes with SNAT", () => {
  const kernel = new KernelModel();
  let epoch = 0;
  const planner = new Planner(kernel, roomy, () => ++epoch);
  const ways: Routes = { version: 1, get: () => ({ ifindex: 4, gateway: "10.9.0.254" }) };
  const plan = (remoteBackends: "Direct" | "SNAT", nodes = own): unknown => {
    const { services } = placed("10.9.0.2");
    const desired = { services: services.map((each) => ({ ...each, remoteBackends })), nodes };
    for (const change of planner.plan(desired, ways, nowhere).changes) kernel.apply(change);
    kernel.assertConsistent();
    const { gateway, source, flags, epoch } = kernel.backends.get(1)!;
    return [gateway, source, flags, epoch];
  };
  const snat = BACKEND_ALIVE | BACKEND_SNAT;
  assertEquals(plan("SNAT"), ["10.9.0.254", "10.9.0.1", snat, 1]);
  assertEquals(plan("SNAT", { ...own, own: ["10.9.0.7"] }), ["10.9.0.254", "10.9.0.7", snat, 2]);
  const tunnel = BACKEND_ALIVE | BACKEND_REMOTE | BACKEND_TUNNEL;
  assertEquals(plan("Direct"), ["10.9.0.2", "10.9.0.1", tunnel, 3]);
  assertEquals(plan("SNAT"), ["10.9.0.254", "10.9.0.1", snat, 4]);
});
