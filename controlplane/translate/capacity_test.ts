// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import { overCapacity } from "./capacity.ts";
import {
  at,
  gateway,
  gatewayClass,
  listener,
  listenerSet,
  routes,
  statusOf,
  translated,
  verdict,
} from "./testing.ts";

function over(limit: number, ...sizes: number[]): number[] {
  // The first is the oldest.
  const requests = sizes.map((services, index) => ({
    name: `g${index}`,
    creationTimestamp: at(index),
    services,
  }));
  return [...overCapacity(requests, limit)];
}

Deno.test("overCapacity() is empty while there is room", () => assertEquals(over(6, 1, 2, 3), []));
Deno.test("overCapacity() names the youngest", () => assertEquals(over(5, 1, 2, 3), [2]));
Deno.test("overCapacity() leaves room for a smaller one", () => assertEquals(over(3, 2, 5, 1), [1]));
Deno.test("overCapacity() takes a Gateway without services", () => assertEquals(over(0, 0, 1), [1]));

const WORLD = [
  gatewayClass(),
  gateway("default/old", { allowedListeners: { namespaces: { from: "Same" } } }, {
    creationTimestamp: at(0),
  }),
  gateway("default/web", {
    addresses: [{ value: "192.0.2.2" }],
    listeners: [listener(), listener({ name: "more", port: 81 })],
    allowedListeners: { namespaces: { from: "Same" } },
  }, { creationTimestamp: at(1) }),
  listenerSet("default/set", { listeners: [listener({ port: 82 })] }),
];

Deno.test("A Gateway beyond the dataplane's room is not Programmed: NoResources, and gets no services", () => {
  const translation = translated(WORLD, { maxServices: 3 });
  const { conditions, listeners } = statusOf(translation, "Gateway", "default/web");
  assertEquals(verdict(conditions, "Accepted"), "True Accepted");
  assertEquals(verdict(conditions, "Programmed"), "False NoResources");
  assertStringIncludes(conditions[1].message, "remove listeners or Gateways");
  assertEquals(verdict(listeners[0].conditions, "Programmed"), "False Pending");
  const set = statusOf(translation, "ListenerSet", "default/set");
  assertEquals(verdict(set.conditions, "Programmed"), "False ParentNotProgrammed");
  assertEquals(verdict(set.listeners[0].conditions, "Programmed"), "False Pending");
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> refused"]);
});

Deno.test("A Gateway that fits, its ListenerSets counted, is Programmed", () => {
  assertEquals(routes(translated(WORLD, { maxServices: 4 })).length, 4);
});
