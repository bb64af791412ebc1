// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import type { KubernetesObject } from "../api/object.ts";
import { emptySnapshot } from "../api/snapshot.ts";
import { Graph } from "./graph.ts";
import { Objects } from "./objects.ts";
import {
  endpointSlice,
  gateway,
  listenerSet,
  node,
  referenceGrant,
  service,
  snapshotOf,
  tcpRoute,
  udpRoute,
} from "./testing.ts";

function objectsOf(...objects: readonly KubernetesObject[]): Objects {
  const all = new Objects(new Graph(), "here");
  all.update(snapshotOf(...objects));
  return all;
}

Deno.test("Objects finds objects by kind and key", () => {
  const echo = service("default/echo");
  const objects = objectsOf(echo);
  assertStrictEquals(objects.get("Service", "default/echo"), echo);
  assertStrictEquals(objects.service("default", "echo"), echo);
  assertEquals([objects.get("Service", "default/x"), objects.get("Gateway", "default/echo")], [
    undefined,
    undefined,
  ]);
});

Deno.test("Objects finds routes of both kinds by their parents", () => {
  const tcp = tcpRoute("default/r", {
    parentRefs: [{ name: "web" }, { kind: "ListenerSet", name: "set", namespace: "x" }],
  });
  const udp = udpRoute("default/r");
  const objects = objectsOf(tcp, udp);
  assertEquals(objects.routesOf("Gateway default/web"), [tcp, udp]);
  assertEquals(objects.routesOf("ListenerSet x/set"), [tcp]);
  assertEquals(objects.routesOf("Gateway x/web"), []);
});

Deno.test("Objects finds ListenerSets by their Gateway", () => {
  const set = listenerSet("blue/set", { parentRef: { name: "web", namespace: "default" } });
  assertEquals(objectsOf(set).listenerSetsOf("default/web"), [set]);
});

Deno.test("Objects finds EndpointSlices by their Service, in its namespace", () => {
  const slice = endpointSlice("default/echo");
  const { labels: _, ...metadata } = slice.metadata;
  const objects = objectsOf(slice, { ...slice, metadata: { ...metadata, name: "bare" } });
  assertEquals(objects.endpointSlices("default", "echo"), [slice]);
  assertEquals(objects.endpointSlices("blue", "echo"), []);
});

Deno.test("Objects finds ReferenceGrants by their namespace", () => {
  const grant = referenceGrant("far/grant", "default");
  const objects = objectsOf(grant);
  assertEquals([objects.referenceGrants("far"), objects.referenceGrants("default")], [[grant], []]);
});

Deno.test("Objects answers what is different in a snapshot", () => {
  const [old, changed, gone] = [gateway("default/a"), gateway("default/b"), gateway("default/c")];
  const again = { ...changed };
  const objects = objectsOf(old, changed, gone);
  const echo = service("default/echo");
  assertEquals(
    objects.update(snapshotOf(old, again, echo)).map((
      { kind, key, before, after },
    ) => [kind, key, before, after]),
    [
      ["Gateway", "default/b", changed, again],
      ["Gateway", "default/c", gone, undefined],
      ["Service", "default/echo", undefined, echo],
    ],
  );
  assertEquals(objects.gatewayKeys(), ["default/a", "default/b"]);
});

Deno.test("Objects does not look at a kind whose map is the same", () => {
  let looks = 0;
  class Watched extends Map<string, KubernetesObject> {
    override [Symbol.iterator](): MapIterator<[string, KubernetesObject]> {
      looks++;
      return super[Symbol.iterator]();
    }
  }
  const snapshot = { ...emptySnapshot(), Gateway: new Watched() };
  const objects = new Objects(new Graph());
  objects.update(snapshot);
  const first = looks;
  objects.update({ ...snapshot, Service: new Map() });
  assertEquals([first > 0, looks], [true, first]);
});

Deno.test("Objects takes an object that has no spec for absent, and back when it has one", () => {
  const web = gateway("default/web");
  const { spec: _, ...bare } = web;
  const objects = objectsOf(bare);
  assertEquals(objects.get("Gateway", "default/web"), undefined);
  const [change] = objects.update(snapshotOf(web));
  assertEquals([change?.before, change?.after], [undefined, web]);
  assertStrictEquals(objects.get("Gateway", "default/web"), web);
});

Deno.test("Objects.nodeAddress() is the first InternalIP of the family, in canonical form", () => {
  const there = node("there", "10.9.0.2", "10.9.0.3", "FD00:9:0::2");
  const named = { type: "Hostname", address: "there" };
  const objects = objectsOf(
    { ...there, status: { addresses: [named, ...there.status!.addresses!] } } as KubernetesObject,
  );
  assertEquals(objects.nodeAddress("there", "IPv4"), "10.9.0.2");
  assertEquals(objects.nodeAddress("there", "IPv6"), "fd00:9::2");
});

Deno.test("Objects.nodeAddress() is of the other family where the node has none of this one", () => {
  const objects = objectsOf(node("there", "10.9.0.2", "10.9.0.3"));
  assertEquals(objects.nodeAddress("there", "IPv6"), "10.9.0.2");
});

Deno.test("Objects.nodeAddresses() tells this node's own from all others', in the order of their names", () => {
  const nodes = [node("west", "10.9.0.3"), node("here", "10.9.0.1", "FD00:9::1"), node("east", "10.9.0.2")];
  const expected = { own: ["10.9.0.1", "fd00:9::1"], others: ["10.9.0.2", "10.9.0.3"] };
  assertEquals(objectsOf(...nodes).nodeAddresses(), expected);
  assertEquals(objectsOf(...nodes.toReversed()).nodeAddresses(), expected);
  assertEquals(objectsOf().nodeAddresses(), { own: [], others: [] });
  assertEquals(new Objects(new Graph()).nodeAddresses(), undefined);
});

Deno.test("Objects.nodeAddresses() follows nodes that come, move and go, and is the same object otherwise", () => {
  const objects = objectsOf(node("here", "10.9.0.1"), node("there", "10.9.0.2"));
  const others = (...there: KubernetesObject[]): readonly string[] | undefined => {
    objects.update(snapshotOf(node("here", "10.9.0.1"), ...there));
    return objects.nodeAddresses()?.others;
  };
  const before = objects.nodeAddresses();
  assertEquals(others(structuredClone(node("there", "10.9.0.2"))), ["10.9.0.2"]);
  assertStrictEquals(objects.nodeAddresses(), before);
  assertEquals(others(node("there", "10.9.0.7")), ["10.9.0.7"]);
  assertEquals(others(node("there", "10.9.0.7"), node("third", "10.9.0.8")), ["10.9.0.7", "10.9.0.8"]);
  assertEquals(others(), []);
});

Deno.test("Objects.nodeAddress() knows none of this node, of an unknown one, and where there are no nodes", () => {
  const objects = objectsOf(node("here", "10.9.0.1"), node("there", "10.9.0.2"), node("bare"));
  const asked = [["here", "IPv4"], ["gone", "IPv4"], ["bare", "IPv4"]] as const;
  for (const [name, family] of asked) assertEquals(objects.nodeAddress(name, family), undefined);
  const alone = new Objects(new Graph());
  alone.update(snapshotOf(node("there", "10.9.0.2")));
  assertEquals(alone.nodeAddress("there", "IPv4"), undefined);
});

Deno.test("Objects.isOtherNode() tells this node from all others, known or not; where there are no nodes, none is another", () => {
  const objects = objectsOf(node("here", "10.9.0.1"), node("there", "10.9.0.2"));
  assertEquals(["here", "there", "gone"].map((name) => objects.isOtherNode(name)), [false, true, true]);
  assertEquals(new Objects(new Graph()).isOtherNode("there"), false);
});
