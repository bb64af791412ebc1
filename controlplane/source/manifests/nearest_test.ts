// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { nearest } from "./nearest.ts";

Deno.test("nearest() finds the name that was likely meant", () => {
  const known = ["Gateway", "GatewayClass", "TCPRoute", "UDPRoute"];
  const cases = {
    gateway: "Gateway",
    Gatway: "Gateway",
    GatewayClas: "GatewayClass",
    TCPRoutes: "TCPRoute",
    UPDRoute: "UDPRoute",
  };
  for (const [typed, meant] of Object.entries(cases)) assertEquals(nearest(typed, known), meant, typed);
});

Deno.test("nearest() finds none when nothing is alike", () => {
  assertEquals(nearest("Deployment", ["Gateway", "Service"]), undefined);
  assertEquals(nearest("x", ["abc"]), undefined);
  assertEquals(nearest("anything", []), undefined);
});
