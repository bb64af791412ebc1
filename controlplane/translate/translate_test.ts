// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import {
  backend,
  gateway,
  gatewayClass,
  routes,
  statusOf,
  tcpRoute,
  translated,
  verdict,
} from "./testing.ts";

Deno.test("translate() sends a TCPRoute's traffic to the endpoints of its Service", () => {
  const translation = translated([
    gatewayClass(),
    gateway("default/web"),
    tcpRoute("default/echo"),
    ...backend("default/echo", "10.0.0.2", "10.0.0.1"),
  ]);
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 1*10.0.0.1:8080+10.0.0.2:8080"]);
  const status = statusOf(translation, "Gateway", "default/web");
  assertEquals(verdict(status.conditions, "Accepted"), "True Accepted");
  assertEquals(verdict(status.conditions, "Programmed"), "True Programmed");
  assertEquals(status.addresses, [{ type: "IPAddress", value: "192.0.2.1" }]);
  assertEquals(status.listeners[0].attachedRoutes, 1);
  const [parent] = statusOf(translation, "TCPRoute", "default/echo").parents;
  assertEquals(verdict(parent.conditions, "Accepted"), "True Accepted");
  assertEquals(verdict(parent.conditions, "ResolvedRefs"), "True ResolvedRefs");
});
