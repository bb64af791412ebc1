// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { KubernetesObject } from "../api/object.ts";
import {
  at,
  backend,
  endpointSlice,
  gateway,
  gatewayClass,
  listenerSet,
  service,
  tcpRoute,
  translated,
} from "./testing.ts";

/** "Kind key: Reason: message" of each notice. */
function notices(...objects: readonly KubernetesObject[]): string[] {
  return translated(objects).notices.map(({ kind, key, reason, message }) =>
    `${kind} ${key}: ${reason}: ${message}`
  );
}

const WEB = [gatewayClass(), gateway("default/web")];

Deno.test("There is nothing to notice where all is well", () => {
  assertEquals(notices(...WEB, tcpRoute("default/echo"), ...backend("default/echo", "10.0.0.1")), []);
});

Deno.test("A Gateway whose class does not exist is noticed, one of another controller is not", () => {
  assertEquals(notices(gateway("default/web")), [
    "Gateway default/web: GatewayClassNotFound: GatewayClass blixt, named by spec.gatewayClassName, does not exist.",
  ]);
  assertEquals(notices(gatewayClass({ controllerName: "example.com/other" }), gateway("default/web")), []);
});

Deno.test("A ListenerSet whose Gateway does not exist is noticed", () => {
  assertEquals(notices(listenerSet("default/set", { parentRef: { name: "gone" } })), [
    "ListenerSet default/set: ParentNotFound: Gateway default/gone, named by spec.parentRef, does not exist.",
  ]);
});

Deno.test("A route's parents that do not exist are noticed, those of other kinds are not", () => {
  const parentRefs = [
    { name: "gone" },
    { kind: "ListenerSet", name: "lost", namespace: "infra" },
    { group: "", kind: "Service", name: "echo" },
  ];
  assertEquals(notices(tcpRoute("default/echo", { parentRefs })), [
    "TCPRoute default/echo: ParentNotFound: Gateway default/gone, named by spec.parentRefs, does not exist.",
    "TCPRoute default/echo: ParentNotFound: ListenerSet infra/lost, named by spec.parentRefs, does not exist.",
  ]);
});

Deno.test("A route that gets no traffic because an older one has it is noticed", () => {
  const both = [
    tcpRoute("default/old", {}, { creationTimestamp: at(0) }),
    tcpRoute("default/young", {}, { creationTimestamp: at(1) }),
  ];
  assertEquals(notices(...WEB, ...both, ...backend("default/echo", "10.0.0.1")), [
    "TCPRoute default/young: OlderRouteServes: TCPRoute default/old is older and has the traffic of listener tcp of " +
    "Gateway default/web.",
  ]);
});

Deno.test("A backend without ready endpoints is noticed, for the families that the Gateway has", () => {
  const dual = gateway("default/web", { addresses: [{ value: "192.0.2.1" }, { value: "2001:db8::1" }] });
  const route = tcpRoute("default/echo");
  const message = (family: string): string =>
    `TCPRoute default/echo: NoReadyEndpoints: Service default/echo:80 has no ready ${family} endpoint, so its share of ` +
    "the traffic is refused.";
  assertEquals(notices(...WEB, route, service("default/echo")), [message("IPv4")]);
  assertEquals(notices(gatewayClass(), dual, route, ...backend("default/echo", "10.0.0.1")), [
    message("IPv6"),
  ]);
  assertEquals(notices(gatewayClass(), dual, route, service("default/echo")), [
    message("IPv4"),
    message("IPv6"),
  ]);
});

Deno.test("A backend that drains, has no weight, or does not resolve is not noticed for its endpoints", () => {
  const draining = {
    addresses: ["10.0.0.1"],
    conditions: { ready: false, serving: true, terminating: true },
  };
  const slice = endpointSlice("default/echo", { endpoints: [draining] });
  assertEquals(notices(...WEB, tcpRoute("default/echo"), service("default/echo"), slice), []);
  const idle = tcpRoute("default/echo", { backendRefs: [{ name: "echo", port: 80, weight: 0 }] });
  assertEquals(notices(...WEB, idle, service("default/echo")), []);
  assertEquals(notices(...WEB, tcpRoute("default/echo")), []);
});
