// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { summarise, summariseChange } from "./summary.ts";
import type { DesiredService } from "./translate/desired.ts";

const service = (port: number, ...addresses: string[]): DesiredService => ({
  address: "192.0.2.1",
  port,
  protocol: "TCP",
  listener: "Gateway default/web, listener tcp",
  groups: [{
    name: "Service default/echo:80",
    weight: 1,
    endpoints: addresses.map((address) => ({ address, port: 9000, draining: false })),
  }],
  affinitySeconds: 0,
});

Deno.test("summarise() counts Gateways, listeners, routes, and each backend once", () => {
  const status = {};
  assertEquals(
    summarise({
      statuses: [
        { kind: "GatewayClass", key: "blixt", status },
        { kind: "Gateway", key: "default/web", status },
        { kind: "TCPRoute", key: "default/a", status },
        { kind: "UDPRoute", key: "default/b", status },
      ],
      dataplane: { services: [service(1, "10.0.0.1", "10.0.0.2"), service(2, "10.0.0.2", "10.0.0.3")] },
      notices: [],
      loadBalancers: [],
    }),
    "1 Gateway, 2 listeners, 2 routes, 3 backends",
  );
});

Deno.test("summariseChange() tells what was added, changed and removed", () => {
  const before = { services: [service(1, "10.0.0.1"), service(2), service(3)] };
  const after = {
    services: [service(1, "10.0.0.1", "10.0.0.2"), service(3), { ...service(4), address: "2001:db8::1" }],
  };
  assertEquals(
    summariseChange(before, after),
    "TCP 192.0.2.1:1 changed to 2 backends, TCP [2001:db8::1]:4 added with 0 backends, TCP 192.0.2.1:2 removed",
  );
});

Deno.test("summariseChange() only counts what is too much to tell", () => {
  const after = { services: [1, 2, 3, 4, 5].map((port) => service(port)) };
  assertEquals(
    summariseChange({ services: [] }, after).endsWith("TCP 192.0.2.1:3 added with 0 backends and 2 more"),
    true,
  );
});

Deno.test("summariseChange() says so when nothing changed", () => {
  assertEquals(summariseChange({ services: [service(1)] }, { services: [service(1)] }), "nothing changed");
});

Deno.test("summariseChange() tells that this node announces other addresses", () => {
  const services = [service(1)];
  assertEquals(
    summariseChange({ services }, { services, announced: ["192.0.2.1"] }),
    "1 address announced by this node",
  );
  assertEquals(
    summariseChange({ services, announced: ["192.0.2.1"] }, { services, announced: [] }),
    "0 addresses announced by this node",
  );
});
