// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { EndpointSlice, SliceEndpoint } from "../api/endpoint_slice.ts";
import type { ServicePort } from "../api/service.ts";
import type { Endpoint } from "./desired.ts";
import { endpointsOf, endpointState, type NodeLookup } from "./endpoints.ts";
import { endpointSlice, type SliceSpec } from "./testing.ts";

const SERVICE = "default/echo";

/** The endpoints of both families, each "address:port", with "(draining)" where it is. */
function found(slices: readonly EndpointSlice[], port: ServicePort = { port: 80 }): string[] {
  const { IPv4, IPv6 } = endpointsOf(slices, port);
  return [...IPv4, ...IPv6].map(({ address, port, draining }) =>
    `${address}:${port}${draining ? "(draining)" : ""}`
  );
}

function slice(spec: SliceSpec, suffix?: string): EndpointSlice {
  return endpointSlice(SERVICE, spec, suffix);
}

type Conditions = NonNullable<SliceEndpoint["conditions"]>;

const STATES: readonly [Conditions | undefined, "ready" | "draining" | undefined][] = [
  [undefined, "ready"],
  [{}, "ready"],
  [{ ready: null }, "ready"],
  [{ ready: true, serving: true, terminating: false }, "ready"],
  [{ ready: true, terminating: true }, "ready"],
  [{ ready: false }, undefined],
  [{ ready: false, serving: true, terminating: false }, undefined],
  [{ ready: false, serving: true, terminating: true }, "draining"],
  [{ ready: false, serving: false, terminating: true }, undefined],
  [{ ready: false, terminating: true }, undefined],
];

for (const [conditions, state] of STATES) {
  Deno.test(`endpointState() is ${state} for ${JSON.stringify(conditions)}`, () => {
    assertEquals(endpointState(conditions === undefined ? {} : { conditions }), state);
  });
}

Deno.test("endpointsOf() takes the target port from the slice", () => {
  assertEquals(found([slice({ ports: [{ port: 9000, protocol: "TCP" }] })]), ["10.0.0.1:9000"]);
});

Deno.test("endpointsOf() takes a named target port that differs between slices", () => {
  const port = { name: "web", port: 80 };
  const slices = [
    slice({ ports: [{ name: "web", port: 8080 }], endpoints: ["10.0.0.1"] }, "a"),
    slice({ ports: [{ name: "web", port: 9090 }], endpoints: ["10.0.0.2"] }, "b"),
  ];
  assertEquals(found(slices, port), ["10.0.0.1:8080", "10.0.0.2:9090"]);
});

Deno.test("endpointsOf() goes by the port's name", () => {
  const ports = [{ name: "web", port: 8080 }, { name: "admin", port: 9090 }, { port: 7070 }, {
    name: null,
    port: 6060,
  }];
  assertEquals(found([slice({ ports })], { name: "admin", port: 1 }), ["10.0.0.1:9090"]);
  assertEquals(found([slice({ ports })], { name: "", port: 1 }), ["10.0.0.1:6060", "10.0.0.1:7070"]);
});

Deno.test("endpointsOf() keeps protocols on one port apart", () => {
  const ports = [{ name: "dns", protocol: "UDP", port: 53 }, { name: "dns", protocol: "TCP", port: 5353 }];
  assertEquals(found([slice({ ports })], { name: "dns", protocol: "UDP", port: 53 }), ["10.0.0.1:53"]);
  assertEquals(found([slice({ ports })], { name: "dns", port: 53 }), ["10.0.0.1:5353"]);
});

Deno.test("endpointsOf() passes over ports without a number", () => {
  assertEquals(found([slice({ ports: [{ port: null }, {}] })]), []);
});

Deno.test("endpointsOf() sorts by address, not by text", () => {
  assertEquals(found([slice({ endpoints: ["10.0.0.10", "10.0.0.9"] })]), ["10.0.0.9:8080", "10.0.0.10:8080"]);
});

Deno.test("endpointsOf() separates the families and writes addresses canonically", () => {
  const slices = [
    slice({ addressType: "IPv6", endpoints: ["2001:DB8:0::1"] }, "six"),
    slice({ endpoints: ["10.0.0.1"] }, "four"),
  ];
  const { IPv4, IPv6 } = endpointsOf(slices, { port: 80 });
  assertEquals(IPv4.map(({ address }) => address), ["10.0.0.1"]);
  assertEquals(IPv6.map(({ address }) => address), ["2001:db8::1"]);
});

Deno.test("endpointsOf() passes over names and addresses of another type than the slice says", () => {
  assertEquals(found([slice({ addressType: "FQDN", endpoints: ["echo.example"] })]), []);
  assertEquals(found([slice({ addressType: "FQDN", endpoints: ["10.0.0.1"] })]), []);
  assertEquals(found([slice({ addressType: "IPv6", endpoints: ["10.0.0.1"] })]), []);
  assertEquals(found([slice({ endpoints: ["10.0.0.300", ""] })]), []);
});

Deno.test("endpointsOf() takes the first address of an endpoint", () => {
  assertEquals(found([slice({ endpoints: [{ addresses: ["10.0.0.1", "10.0.0.2"] }] })]), ["10.0.0.1:8080"]);
  assertEquals(found([slice({ endpoints: [{ addresses: [] }, {}] })]), []);
});

Deno.test("endpointsOf() marks endpoints that drain and leaves out those that are not ready", () => {
  const endpoints = [
    "10.0.0.1",
    { addresses: ["10.0.0.2"], conditions: { ready: false, serving: true, terminating: true } },
    { addresses: ["10.0.0.3"], conditions: { ready: false } },
  ];
  assertEquals(found([slice({ endpoints })]), ["10.0.0.1:8080", "10.0.0.2:8080(draining)"]);
});

Deno.test("endpointsOf() counts an endpoint of two slices once, draining only if both say so", () => {
  const draining = {
    addresses: ["10.0.0.1"],
    conditions: { ready: false, serving: true, terminating: true },
  };
  assertEquals(found([slice({}, "a"), slice({}, "b")]), ["10.0.0.1:8080"]);
  assertEquals(found([slice({ endpoints: [draining] }, "a"), slice({}, "b")]), ["10.0.0.1:8080"]);
  assertEquals(found([slice({}, "a"), slice({ endpoints: [draining] }, "b")]), ["10.0.0.1:8080"]);
  assertEquals(found([slice({ endpoints: [draining, draining] })]), ["10.0.0.1:8080(draining)"]);
});

Deno.test("endpointsOf() survives slices without lists", () => {
  assertEquals(found([{ ...slice({}), endpoints: null }, { ...slice({}), ports: null }]), []);
});

/** Two other nodes with addresses; "bare" is one without, and all else is this one. */
const NODES: NodeLookup = {
  nodeAddress: (name) => ({ a: "10.9.0.1", b: "10.9.0.2" })[name],
  isOtherNode: (name) => ["a", "b", "bare"].includes(name),
};

/** The one endpoint, as slices have it of which each names one of those nodes. */
function at(...nodes: (string | null)[]): Endpoint {
  const slices = nodes.map((nodeName, index) =>
    slice({ endpoints: [{ addresses: ["10.0.0.1"], nodeName }] }, `${index}`)
  );
  const [endpoint, ...others] = endpointsOf(slices, { port: 80 }, NODES).IPv4;
  assertEquals(others, []);
  return endpoint!;
}

Deno.test("endpointsOf() says at which address the node of an endpoint is, where that is known", () => {
  assertEquals(at("a").node, "10.9.0.1");
  assertEquals([at("bare").node, at("this"), at(null)], [undefined, at(null), at(null)]);
  assertEquals(Object.keys(endpointsOf([slice({})], { port: 80 }).IPv4[0]!), ["address", "port", "draining"]);
});

Deno.test("endpointsOf() goes by the node of an endpoint only if all slices name the same", () => {
  assertEquals(at("a", "a").node, "10.9.0.1");
  assertEquals([at("a", "b"), at("b", "a"), at("a", null)].map(({ node }) => node), Array(3).fill(undefined));
});

Deno.test("endpointsOf() says whether another node has an endpoint, of whose addresses nothing need be known", () => {
  assertEquals([at("a"), at("bare"), at("a", "bare")].map(({ elsewhere }) => elsewhere), [true, true, true]);
  const here = [at("this"), at(null), at("a", null), at("this", "a")];
  assertEquals(here.map((endpoint) => Object.keys(endpoint)), Array(4).fill(["address", "port", "draining"]));
});
