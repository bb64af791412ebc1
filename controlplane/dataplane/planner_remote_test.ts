// SPDX-License-Identifier: Apache-2.0

// Where packets for endpoints on other nodes are sent.

import { assertEquals } from "@std/assert";
import { dataplane, group, service } from "./fixtures.ts";
import { BACKEND_ALIVE, BACKEND_REMOTE, KNOWS_REMOTE_BACKENDS } from "./layout.ts";
import { KernelModel } from "./model.ts";
import { Planner } from "./planner.ts";
import type { Hop, Routes } from "./routes.ts";

const roomy = { services: 9, backends: 9, tables: 9 };
const nowhere = new Set<string>();
const [web, a] = ["192.0.2.1:80", "10.0.0.1:8080"];

/** The way to one endpoint that a node has, as the kernel gets it. */
function wayTo(node: string | undefined, hops: Readonly<Record<string, Hop>>, remote?: boolean): unknown {
  const kernel = new KernelModel();
  const planner = new Planner(kernel, roomy, () => 1, remote);
  const [endpoint] = group(1, a).endpoints;
  const placed = { ...endpoint!, ...(node === undefined ? {} : { node }) };
  const desired = dataplane(service(web, { ...group(1), endpoints: [placed] }));
  const ways: Routes = { version: 1, get: (address) => hops[address] ?? { ifindex: 0, gateway: "" } };
  for (const change of planner.plan(desired, ways, nowhere).changes) kernel.apply(change);
  assertEquals(planner.plan(structuredClone(desired), ways, nowhere).changes, [], "and it stays so");
  const { ifindex, gateway, flags } = kernel.backends.get(1)!;
  return { ifindex, gateway, flags };
}

const routed = { "10.0.0.1": { ifindex: 3, gateway: "10.9.0.254" } };

Deno.test("Planner.plan() sends packets to the node that has the endpoint where that is on-link", () => {
  const hops = { ...routed, "10.9.0.2": { ifindex: 4, gateway: "" } };
  assertEquals(wayTo("10.9.0.2", hops, true), {
    ifindex: 4,
    gateway: "10.9.0.2",
    flags: BACKEND_ALIVE | BACKEND_REMOTE,
  });
});

Deno.test("Planner.plan() sends packets to the endpoint by way of the routing table in all other cases", () => {
  const way = { ...routed["10.0.0.1"], flags: BACKEND_ALIVE };
  const beyondRouter = { ...routed, "10.9.0.2": { ifindex: 4, gateway: "10.9.0.1" } };
  const onLink = { ...routed, "10.9.0.2": { ifindex: 4, gateway: "" } };
  assertEquals(wayTo("10.9.0.2", beyondRouter, true), way);
  assertEquals(wayTo("10.9.0.2", routed, true), way, "no way to the node");
  assertEquals(wayTo(undefined, onLink, true), way, "on this node, or unknown");
  assertEquals(wayTo("10.9.0.2", onLink, false), way, "the object does not know it");
  assertEquals(wayTo("10.9.0.2", onLink), KNOWS_REMOTE_BACKENDS ? wayTo("10.9.0.2", onLink, true) : way);
});

Deno.test("Planner.plan() changes the way in place, with another epoch, when an endpoint's node becomes reachable", () => {
  const kernel = new KernelModel();
  let epoch = 0;
  const planner = new Planner(kernel, roomy, () => ++epoch, true);
  const [endpoint] = group(1, a).endpoints;
  const placed = { ...group(1), endpoints: [{ ...endpoint!, node: "10.9.0.2" }] };
  const plan = (version: number, gateway: string): void => {
    const ways: Routes = { version, get: () => ({ ifindex: 4, gateway }) };
    for (const change of planner.plan(dataplane(service(web, placed)), ways, nowhere).changes) {
      kernel.apply(change);
      kernel.assertConsistent();
    }
  };
  plan(1, "10.9.0.1");
  plan(2, "");
  const { flags, epoch: next } = kernel.backends.get(1)!;
  assertEquals([flags, next], [BACKEND_ALIVE | BACKEND_REMOTE, 2]);
});
