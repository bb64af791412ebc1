// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { BackendReference, L4Route } from "../api/l4_route.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Translation } from "./translation.ts";
import {
  at,
  backend,
  endpointSlice,
  gateway,
  gatewayClass,
  listener,
  referenceGrant,
  routes,
  service,
  statusOf,
  tcpRoute,
  translated,
  udpRoute,
  verdict,
} from "./testing.ts";

function translatedWith(...objects: readonly KubernetesObject[]): Translation {
  return translated([gatewayClass(), gateway("default/web"), ...objects]);
}

// deno-lint-ignore no-explicit-any -- tests look into the status as users do
function parents(translation: Translation, key = "default/echo"): any[] {
  return statusOf(translation, "TCPRoute", key)?.parents;
}

/** [Accepted, ResolvedRefs] of the first parent. */
function verdicts(translation: Translation, key = "default/echo"): (string | undefined)[] {
  const [{ conditions }] = parents(translation, key) as [{ conditions: [] }];
  return [verdict(conditions, "Accepted"), verdict(conditions, "ResolvedRefs")];
}

function withBackends(...backendRefs: BackendReference[]): L4Route {
  return tcpRoute("default/echo", { backendRefs });
}

Deno.test("A route's status has the parentRef as written, with group and kind filled in, and our controllerName", () => {
  const parentRefs = [{ name: "web", sectionName: "tcp", port: 80 }];
  const [parent] = parents(translatedWith(tcpRoute("default/echo", { parentRefs })));
  assertEquals(parent.parentRef, {
    group: "gateway.networking.k8s.io",
    kind: "Gateway",
    name: "web",
    sectionName: "tcp",
    port: 80,
  });
  assertEquals(parent.controllerName, "gateway.networking.k8s.io/blixt");
});

Deno.test("A route's conditions observe the route's generation, not the Gateway's", () => {
  const [parent] = parents(translatedWith(tcpRoute("default/echo", {}, { generation: 4 })));
  assertEquals(parent.conditions.map((each: { observedGeneration: number }) => each.observedGeneration), [
    4,
    4,
  ]);
});

Deno.test("A route has an entry for each parent that is ours, in the order of parentRefs, each with its own verdict", () => {
  const parentRefs = [
    { name: "other" },
    { name: "web", sectionName: "gone" },
    { group: "", kind: "Service", name: "echo" },
    { name: "missing" },
    { name: "web", sectionName: "tcp" },
  ];
  const translation = translatedWith(
    gateway("default/other", { gatewayClassName: "other" }),
    tcpRoute("default/echo", { parentRefs }),
  );
  assertEquals(
    parents(translation).map((
      { parentRef, conditions },
    ) => [parentRef.sectionName, verdict(conditions, "Accepted")]),
    [["gone", "False NoMatchingParent"], ["tcp", "True Accepted"]],
  );
});

Deno.test("A route without a parent of ours gets no status", () => {
  assertEquals(
    parents(translatedWith(tcpRoute("default/echo", { parentRefs: [{ name: "missing" }] }))),
    undefined,
  );
  assertEquals(parents(translatedWith(tcpRoute("default/echo", { parentRefs: [] }))), undefined);
});

Deno.test("A route that still has entries of ours and no parent of ours is to lose them", () => {
  const route = {
    ...tcpRoute("default/echo", { parentRefs: [{ name: "missing" }] }),
    status: { parents: [{ controllerName: "gateway.networking.k8s.io/blixt" }] },
  };
  assertEquals(parents(translatedWith(route)), []);
  const foreign = { ...route, status: { parents: [{ controllerName: "example.com/other" }] } };
  assertEquals(parents(translatedWith(foreign)), undefined);
});

Deno.test("A route attaches to Gateways of several classes of ours", () => {
  const translation = translatedWith(
    gatewayClass({}, "second"),
    gateway("default/two", { gatewayClassName: "second", addresses: [{ value: "192.0.2.2" }] }),
    tcpRoute("default/echo", { parentRefs: [{ name: "web" }, { name: "two" }] }),
    ...backend("default/echo", "10.0.0.1"),
  );
  assertEquals(routes(translation), [
    "192.0.2.1 TCP 80 -> 1*10.0.0.1:8080",
    "192.0.2.2 TCP 80 -> 1*10.0.0.1:8080",
  ]);
});

const UNRESOLVED: readonly [string, BackendReference, readonly KubernetesObject[]][] = [
  ["BackendNotFound", { name: "gone", port: 80 }, []],
  ["RefNotPermitted", { name: "echo", namespace: "far", port: 80 }, backend("far/echo", "10.9.0.1")],
  ["InvalidKind", { kind: "Pod", name: "echo", port: 80 }, []],
  ["UnsupportedProtocol", { name: "dns", port: 53 }, [
    service("default/dns", { ports: [{ port: 53, protocol: "UDP" }] }),
  ]],
];

for (const [reason, ref, objects] of UNRESOLVED) {
  Deno.test(`A route whose backendRef does not resolve is Accepted, has ResolvedRefs False: ${reason}, and is refused`, () => {
    const translation = translatedWith(withBackends(ref), ...objects);
    assertEquals(verdicts(translation), ["True Accepted", `False ${reason}`]);
    assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 1*refused"]);
  });
}

Deno.test("A route gives the first problem's reason and every problem's sentence", () => {
  const translation = translatedWith(
    withBackends({ name: "gone", port: 80 }, { kind: "Pod", name: "x", port: 80 }, {
      name: "gone",
      port: 80,
    }),
  );
  const [{ conditions: [, resolved] }] = parents(translation) as [
    { conditions: [unknown, { message: string }] },
  ];
  assertEquals(verdicts(translation)[1], "False BackendNotFound");
  assertEquals(
    resolved.message,
    "Service default/gone does not exist. A backendRef can name a Service, not a Pod.",
  );
});

Deno.test("A backendRef that does not resolve keeps its share, and so does one without endpoints", () => {
  const translation = translatedWith(
    withBackends({ name: "echo", port: 80, weight: 7 }, { name: "gone", port: 80, weight: 2 }, {
      name: "empty",
      port: 80,
    }),
    ...backend("default/echo", "10.0.0.1"),
    ...backend("default/empty"),
  );
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 7*10.0.0.1:8080,2*refused,1*refused"]);
});

Deno.test("A backendRef of weight 0 is listed, with weight 0", () => {
  const translation = translatedWith(
    withBackends({ name: "echo", port: 80, weight: 0 }),
    ...backend("default/echo", "10.0.0.1"),
  );
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 0*10.0.0.1:8080"]);
});

Deno.test("A route without rules or backendRefs is refused", () => {
  const bare: L4Route = { ...tcpRoute("default/echo"), spec: { parentRefs: [{ name: "web" }] } };
  assertEquals(routes(translatedWith(bare)), ["192.0.2.1 TCP 80 -> refused"]);
  assertEquals(routes(translatedWith(withBackends())), ["192.0.2.1 TCP 80 -> refused"]);
});

Deno.test("Traffic to another namespace comes and goes with the ReferenceGrant", () => {
  const world = [
    withBackends({ name: "echo", namespace: "far", port: 80 }),
    ...backend("far/echo", "10.9.0.1"),
  ];
  assertEquals(routes(translatedWith(...world, referenceGrant("far/grant", "default"))), [
    "192.0.2.1 TCP 80 -> 1*10.9.0.1:8080",
  ]);
  assertEquals(routes(translatedWith(...world)), ["192.0.2.1 TCP 80 -> 1*refused"]);
});

Deno.test("Of several routes on a listener all are Accepted and counted, and only the oldest has the traffic", () => {
  const route = (name: string, age: number): L4Route =>
    tcpRoute(`default/${name}`, { backendRefs: [{ name, port: 80 }] }, { creationTimestamp: at(-age) });
  const translation = translatedWith(
    route("young", 0),
    route("old", 2),
    route("middle", 1),
    ...backend("default/young", "10.0.0.1"),
    ...backend("default/old", "10.0.0.2"),
  );
  for (const name of ["young", "old", "middle"]) {
    assertEquals(verdicts(translation, `default/${name}`)[0], "True Accepted");
  }
  assertEquals(statusOf(translation, "Gateway", "default/web").listeners[0].attachedRoutes, 3);
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 1*10.0.0.2:8080"]);
  assertEquals(translation.dataplane.services[0]?.route, "TCPRoute default/old");
});

Deno.test("The oldest route has the traffic even when its backends do not resolve", () => {
  const translation = translatedWith(
    tcpRoute("default/old", { backendRefs: [{ name: "gone", port: 80 }] }, { creationTimestamp: at(0) }),
    tcpRoute("default/young", {}, { creationTimestamp: at(1) }),
    ...backend("default/echo", "10.0.0.1"),
  );
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 1*refused"]);
});

Deno.test("A route that a listener does not allow neither counts nor stands before younger ones", () => {
  const translation = translatedWith(
    tcpRoute("other/old", { parentRefs: [{ name: "web", namespace: "default" }] }, {
      creationTimestamp: at(0),
    }),
    tcpRoute("default/echo", {}, { creationTimestamp: at(1) }),
    ...backend("default/echo", "10.0.0.1"),
  );
  assertEquals(statusOf(translation, "Gateway", "default/web").listeners[0].attachedRoutes, 1);
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 1*10.0.0.1:8080"]);
});

Deno.test("A route with two parentRefs to one listener counts once", () => {
  const parentRefs = [{ name: "web", port: 80 }, { name: "web", sectionName: "tcp" }];
  const translation = translatedWith(tcpRoute("default/echo", { parentRefs }));
  assertEquals(statusOf(translation, "Gateway", "default/web").listeners[0].attachedRoutes, 1);
  assertEquals(parents(translation).length, 2);
});

Deno.test("TCP and UDP on one port each have their route", () => {
  const slice = endpointSlice("default/dns", {
    ports: [{ name: "udp", port: 1053, protocol: "UDP" }, { name: "tcp", port: 2053, protocol: "TCP" }],
  });
  const ports = [{ name: "udp", port: 53, protocol: "UDP" }, { name: "tcp", port: 53, protocol: "TCP" }];
  const translation = translated([
    gatewayClass(),
    gateway("default/web", {
      listeners: [listener({ port: 53 }), listener({ name: "udp", port: 53, protocol: "UDP" })],
    }),
    tcpRoute("default/t", { backendRefs: [{ name: "dns", port: 53 }] }),
    udpRoute("default/u", { backendRefs: [{ name: "dns", port: 53 }] }),
    service("default/dns", { ports }),
    slice,
  ]);
  assertEquals(routes(translation), [
    "192.0.2.1 TCP 53 -> 1*10.0.0.1:2053",
    "192.0.2.1 UDP 53 -> 1*10.0.0.1:1053",
  ]);
});

Deno.test("An IPv4 address sends to IPv4 endpoints and an IPv6 address to IPv6 endpoints", () => {
  const translation = translated([
    gatewayClass(),
    gateway("default/web", { addresses: [{ value: "192.0.2.1" }, { value: "2001:db8::1" }] }),
    tcpRoute("default/echo"),
    service("default/echo"),
    endpointSlice("default/echo", { endpoints: ["10.0.0.1"] }, "four"),
    endpointSlice("default/echo", { addressType: "IPv6", endpoints: ["fd00::1"] }, "six"),
  ]);
  assertEquals(routes(translation), [
    "192.0.2.1 TCP 80 -> 1*10.0.0.1:8080",
    "2001:db8::1 TCP 80 -> 1*fd00::1:8080",
  ]);
});

Deno.test("A service's affinity is the longest of its Services'", () => {
  const affine = (seconds: number): Parameters<typeof service>[1] => ({
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: seconds } },
  });
  const translation = translatedWith(
    withBackends({ name: "a", port: 80 }, { name: "b", port: 80 }, { name: "c", port: 80 }),
    service("default/a", affine(60)),
    service("default/b", affine(90)),
    service("default/c"),
  );
  assertEquals(translation.dataplane.services[0]?.affinitySeconds, 90);
  assertEquals(translatedWith(tcpRoute("default/echo")).dataplane.services[0]?.affinitySeconds, 0);
});

Deno.test("Names in the dataplane are for people", () => {
  const [only] =
    translatedWith(tcpRoute("default/echo"), ...backend("default/echo", "10.0.0.1")).dataplane.services;
  assertEquals(only?.listener, "Gateway default/web, listener tcp");
  assertEquals(only?.route, "TCPRoute default/echo");
  assertStringIncludes(only?.groups[0]?.name ?? "", "Service default/echo:80");
});
