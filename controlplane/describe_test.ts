// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { describeDataplane } from "./describe.ts";
import type { DesiredService } from "./translate/desired.ts";

const service: DesiredService = {
  address: "192.0.2.1",
  port: 80,
  protocol: "TCP",
  listener: "Gateway default/web, listener tcp",
  groups: [],
  affinitySeconds: 0,
};

Deno.test("describeDataplane() shows listeners, weights and endpoints, and what is refused", () => {
  const groups = [
    {
      name: "Service default/a:80",
      weight: 70,
      endpoints: [{ address: "10.0.0.1", port: 8080, draining: false }, {
        address: "10.0.0.2",
        port: 8080,
        draining: true,
      }],
    },
    { name: "Service default/b:80", weight: 30, endpoints: [] },
  ];
  assertEquals(describeDataplane({ services: [{ ...service, route: "TCPRoute default/echo", groups }] }), [
    "TCP 192.0.2.1:80  Gateway default/web, listener tcp, TCPRoute default/echo",
    "  weight 70  Service default/a:80  10.0.0.1:8080, 10.0.0.2:8080 (draining)",
    "  weight 30  Service default/b:80  refused: no endpoints",
  ]);
});

Deno.test("describeDataplane() shows a listener without a route, IPv6 in brackets, and affinity", () => {
  assertEquals(
    describeDataplane({ services: [{ ...service, address: "2001:db8::1", affinitySeconds: 60 }] }),
    [
      "TCP [2001:db8::1]:80  Gateway default/web, listener tcp, no route: refused, client affinity 60 s",
    ],
  );
});

Deno.test("describeDataplane() says when there is nothing", () => {
  assertEquals(describeDataplane({ services: [] }), ["nothing: no Gateway takes traffic"]);
});

Deno.test("describeDataplane() says where SNAT leads to other nodes", () => {
  const [line] = describeDataplane({ services: [{ ...service, remoteBackends: "SNAT" }] });
  assertEquals(
    line,
    "TCP 192.0.2.1:80  Gateway default/web, listener tcp, no route: refused, SNAT to other nodes",
  );
});
