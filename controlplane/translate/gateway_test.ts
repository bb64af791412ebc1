// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Gateway } from "../api/gateway.ts";
import type { Condition, KubernetesObject } from "../api/object.ts";
import {
  at,
  gateway,
  gatewayClass,
  gatewayClassConfig,
  gatewayClassWithConfig,
  listener,
  routes,
  statusOf,
  translated,
  verdict,
  withAddresses,
} from "./testing.ts";

function statusWith(
  spec: Partial<Gateway["spec"]>,
  ...more: KubernetesObject[]
): ReturnType<typeof statusOf> {
  return statusOf(
    translated([gatewayClass(), gateway("default/web", spec), ...more]),
    "Gateway",
    "default/web",
  );
}

/** [Accepted, Programmed]. */
function verdicts(status: { conditions: Condition[] }): (string | undefined)[] {
  return [verdict(status.conditions, "Accepted"), verdict(status.conditions, "Programmed")];
}

Deno.test("A valid Gateway is Accepted and Programmed", () => {
  const status = statusWith({});
  assertEquals(verdicts(status), ["True Accepted", "True Programmed"]);
  assertEquals(status.addresses, [{ type: "IPAddress", value: "192.0.2.1" }]);
  assertEquals(status.attachedListenerSets, 0);
});

Deno.test("A Gateway's conditions observe its generation, those of its listeners too", () => {
  const translation = translated([gatewayClass(), gateway("default/web", {}, { generation: 5 })]);
  const { conditions, listeners } = statusOf(translation, "Gateway", "default/web");
  const all: Condition[] = [...conditions, ...listeners[0].conditions];
  assertEquals(all.map(({ observedGeneration }) => observedGeneration), Array(6).fill(5));
  assertEquals(all.some((each) => "lastTransitionTime" in each), false);
});

Deno.test("A Gateway with some listeners valid is Accepted: ListenersNotValid, and Programmed", () => {
  const status = statusWith({
    listeners: [
      listener(),
      listener({ name: "web", port: 81, protocol: "HTTP" }),
      listener({ name: "more", port: 82 }),
    ],
  });
  assertEquals(verdicts(status), ["True ListenersNotValid", "True Programmed"]);
  assertEquals(
    status.conditions[0].message,
    "Listeners that are not valid: web (UnsupportedProtocol); see their conditions. Valid: tcp, more.",
  );
});

Deno.test("A Gateway with no listener valid is not Accepted: ListenersNotValid, and not Programmed: Invalid", () => {
  const status = statusWith({ listeners: [listener({ protocol: "HTTP" })] });
  assertEquals(verdicts(status), ["False ListenersNotValid", "False Invalid"]);
});

Deno.test("A Gateway without listeners is not Accepted: Invalid", () => {
  assertEquals(verdicts(statusWith({ listeners: [] })), ["False Invalid", "False Invalid"]);
});

for (const type of ["Hostname", "NamedAddress", "test/fake-invalid-type"]) {
  Deno.test(`A Gateway with an address of type ${type} is not Accepted: UnsupportedAddress`, () => {
    const status = statusWith({ addresses: [{ type, value: "x" }, { value: "192.0.2.1" }] });
    assertEquals(verdicts(status), ["False UnsupportedAddress", "False Invalid"]);
    assertStringIncludes(status.conditions[0].message, type);
  });
}

Deno.test("A Gateway with parameters of its own is not Accepted: InvalidParameters", () => {
  const parametersRef = { group: "", kind: "ConfigMap", name: "x" };
  assertEquals(verdicts(statusWith({ infrastructure: { parametersRef } })), [
    "False InvalidParameters",
    "False Invalid",
  ]);
});

Deno.test("A Gateway takes labels and annotations of its infrastructure", () => {
  assertEquals(verdicts(statusWith({ infrastructure: { labels: { a: "b" }, annotations: { c: "d" } } })), [
    "True Accepted",
    "True Programmed",
  ]);
});

Deno.test("A Gateway that is not accepted takes no traffic", () => {
  const bad = gateway("default/web", {
    addresses: [{ value: "192.0.2.1" }, { type: "Hostname", value: "x" }],
  });
  const translation = translated([gatewayClass(), bad]);
  assertEquals(routes(translation), []);
  const [own] = statusOf(translation, "Gateway", "default/web").listeners;
  assertEquals(verdict(own.conditions, "Accepted"), "True Accepted");
  assertEquals(verdict(own.conditions, "Programmed"), "False Invalid");
});

Deno.test("A Gateway without an address is not Programmed: AddressNotAssigned, and its listeners are Pending", () => {
  const status = statusWith({ addresses: [] });
  assertEquals(verdicts(status), ["True Accepted", "False AddressNotAssigned"]);
  assertEquals(status.addresses, []);
  assertEquals(verdict(status.listeners[0].conditions, "Accepted"), "True Accepted");
  assertEquals(verdict(status.listeners[0].conditions, "Programmed"), "False Pending");
});

Deno.test("A Gateway that wants more addresses than there are serves at those it got", () => {
  const translation = translated([
    gatewayClassWithConfig(),
    gatewayClassConfig({ addressPools: [{ cidr: "198.51.100.1/32" }] }),
    gateway("default/web", { addresses: [{}, {}] }),
  ]);
  const status = statusOf(translation, "Gateway", "default/web");
  assertEquals(verdicts(status), ["True Accepted", "False AddressNotAssigned"]);
  assertEquals(routes(translation), ["198.51.100.1 TCP 80 -> refused"]);
});

Deno.test("A Gateway with an unusable address is not Programmed: AddressNotUsable, even when another works", () => {
  const translation = translated([
    gatewayClassWithConfig(),
    gatewayClassConfig({ staticAddresses: [{ cidr: "192.0.2.0/24" }] }),
    gateway("default/web", { addresses: [{ value: "198.51.100.1" }, { value: "192.0.2.1" }] }),
  ]);
  const status = statusOf(translation, "Gateway", "default/web");
  assertEquals(verdicts(status), ["True Accepted", "False AddressNotUsable"]);
  assertStringIncludes(status.conditions[1].message, "198.51.100.1");
  assertEquals(status.addresses, [{ type: "IPAddress", value: "192.0.2.1" }]);
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> refused"]);
});

Deno.test("A Gateway serves every listener at every address", () => {
  const translation = translated([
    gatewayClass(),
    gateway("default/web", {
      addresses: [{ value: "2001:db8::1" }, { value: "192.0.2.10" }, { value: "192.0.2.9" }],
      listeners: [listener({ name: "u", protocol: "UDP" }), listener(), listener({ name: "low", port: 9 })],
    }),
  ]);
  assertEquals(routes(translation), [
    "192.0.2.9 TCP 9 -> refused",
    "192.0.2.9 TCP 80 -> refused",
    "192.0.2.9 UDP 80 -> refused",
    "192.0.2.10 TCP 9 -> refused",
    "192.0.2.10 TCP 80 -> refused",
    "192.0.2.10 UDP 80 -> refused",
    "2001:db8::1 TCP 9 -> refused",
    "2001:db8::1 TCP 80 -> refused",
    "2001:db8::1 UDP 80 -> refused",
  ]);
});

Deno.test("Two Gateways share a static address as long as no port collides", () => {
  const translation = translated([
    gatewayClass(),
    gateway("default/a"),
    gateway("default/b", { listeners: [listener({ port: 81 }), listener({ name: "udp", protocol: "UDP" })] }),
  ]);
  assertEquals(verdicts(statusOf(translation, "Gateway", "default/a")), ["True Accepted", "True Programmed"]);
  assertEquals(verdicts(statusOf(translation, "Gateway", "default/b")), ["True Accepted", "True Programmed"]);
  assertEquals(routes(translation).length, 3);
});

Deno.test("On a shared address the older Gateway keeps the port, and the younger one's listener is PortUnavailable", () => {
  const translation = translated([
    gatewayClass(),
    gateway("default/young", { listeners: [listener(), listener({ name: "own", port: 81 })] }, {
      creationTimestamp: at(1),
    }),
    gateway("default/old", {}, { creationTimestamp: at(0) }),
  ]);
  const young = statusOf(translation, "Gateway", "default/young");
  assertEquals(verdicts(young), ["True ListenersNotValid", "True Programmed"]);
  assertEquals(verdict(young.listeners[0].conditions, "Accepted"), "False PortUnavailable");
  assertEquals(verdict(young.listeners[0].conditions, "Programmed"), "False Invalid");
  assertEquals(verdict(young.listeners[1].conditions, "Programmed"), "True Programmed");
  assertEquals(verdicts(statusOf(translation, "Gateway", "default/old")), [
    "True Accepted",
    "True Programmed",
  ]);
  assertEquals(translation.dataplane.services.map((each) => each.listener), [
    "Gateway default/old, listener tcp",
    "Gateway default/young, listener own",
  ]);
});

Deno.test("A Gateway that loses all its ports is not Accepted: ListenersNotValid", () => {
  const translation = translated([gatewayClass(), gateway("default/a"), gateway("default/b")]);
  assertEquals(verdicts(statusOf(translation, "Gateway", "default/b")), [
    "False ListenersNotValid",
    "False Invalid",
  ]);
});

Deno.test("A Gateway keeps the address of its status over a restart", () => {
  const pool = gatewayClassConfig({ addressPools: [{ cidr: "198.51.100.0/24" }] });
  const web = withAddresses(gateway("default/web", { addresses: [] }), "198.51.100.77");
  const { addresses } = statusOf(translated([gatewayClassWithConfig(), pool, web]), "Gateway", "default/web");
  assertEquals(addresses, [{ type: "IPAddress", value: "198.51.100.77" }]);
});

Deno.test("A Gateway whose only listener names no kind of route that Blixt has is not Programmed", () => {
  const status = statusWith({
    listeners: [listener({ allowedRoutes: { kinds: [{ kind: "InvalidRoute" }] } })],
  });
  assertEquals(verdicts(status), ["True Accepted", "False Invalid"]);
});
