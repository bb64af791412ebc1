// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { BackendGroup } from "../translate/desired.ts";
import { group, service } from "./fixtures.ts";
import { serviceEndpoints, serviceTargets } from "./targets.ts";

const [a, b, c] = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];

function shares(...groups: BackendGroup[]): Record<string, number> {
  const targets = serviceTargets(service("192.0.2.1:80", ...groups));
  return Object.fromEntries(targets.map(({ name, share }) => [name, share]));
}

Deno.test("serviceTargets() split a group's weight equally over its endpoints", () => {
  assertEquals(shares(group(6, a, b, c), group(2, "10.0.0.4:80")), {
    [a!]: 2,
    [b!]: 2,
    [c!]: 2,
    "10.0.0.4:80": 2,
  });
});

Deno.test("serviceTargets() have the share of a group without endpoints refused", () => {
  assertEquals(shares(group(3, a), group(1), group(2)), { [a!]: 3, refuse: 3 });
});

Deno.test("serviceTargets() are empty when nothing can be served, whatever the weights", () => {
  assertEquals([shares(), shares(group(1)), shares(group(0, a)), shares(group(0, a), group(4))], [
    {},
    {},
    {},
    {},
  ]);
});

Deno.test("serviceTargets() leave weight 0 out", () => {
  assertEquals(shares(group(0, a), group(1, b), group(0)), { [b!]: 1 });
});

Deno.test("serviceTargets() give draining endpoints nothing, unless all of their group drain", () => {
  assertEquals(shares(group(2, a, `${b} draining`)), { [a!]: 2 });
  assertEquals(shares(group(2, `${a} draining`, `${b} draining`), group(1, c)), {
    [a!]: 1,
    [b!]: 1,
    [c!]: 1,
  });
});

Deno.test("serviceTargets() add up the shares of an endpoint in two groups", () => {
  assertEquals(shares(group(1, a, b), group(3, b)), { [a!]: 0.5, [b!]: 3.5 });
});

Deno.test("serviceEndpoints() have draining ones and those of weight 0 too, each once", () => {
  const endpoints = serviceEndpoints(service("192.0.2.1:80", group(1, a, `${b} draining`), group(0, a, c)));
  assertEquals([...endpoints.keys()], [a, b, c]);
});
