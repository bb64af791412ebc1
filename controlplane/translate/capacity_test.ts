// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { overCapacity, type Size } from "./capacity.ts";
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
  return overBoth({ services: limit, listeners: Infinity }, ...sizes.map((size) => [1, size] as const));
}

function overBoth(limit: Size, ...sizes: (readonly [listeners: number, services: number])[]): number[] {
  // The first is the oldest.
  const requests = sizes.map(([listeners, services], index) => ({
    name: `g${index}`,
    creationTimestamp: at(index),
    listeners,
    services,
  }));
  return [...overCapacity(requests, limit)];
}

Deno.test("overCapacity() is empty while there is room", () => assertEquals(over(6, 1, 2, 3), []));
Deno.test("overCapacity() names the youngest", () => assertEquals(over(5, 1, 2, 3), [2]));
Deno.test("overCapacity() leaves room for a smaller one", () => assertEquals(over(3, 2, 5, 1), [1]));
Deno.test("overCapacity() takes a Gateway without services", () => assertEquals(over(0, 0, 1), [1]));
Deno.test("overCapacity() counts listeners and services, and either may be what is missing", () => {
  const sizes = [[1, 4], [2, 2], [1, 1]] as const;
  assertEquals(overBoth({ listeners: 4, services: 7 }, ...sizes), []);
  assertEquals(overBoth({ listeners: 2, services: 7 }, ...sizes), [1]);
  assertEquals(overBoth({ listeners: 4, services: 6 }, ...sizes), [2]);
});

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
  assertEquals(
    conditions[1].message,
    "The Gateway needs 3 of 3 services, one service for each listener and address, and older Gateways leave " +
      "fewer; remove listeners or Gateways, or raise --services.",
  );
  assertEquals(translation.notices, [{
    kind: "Gateway",
    key: "default/web",
    reason: "NoResources",
    message: conditions[1].message,
  }]);
  assertEquals(verdict(listeners[0].conditions, "Programmed"), "False Pending");
  const set = statusOf(translation, "ListenerSet", "default/set");
  assertEquals(verdict(set.conditions, "Programmed"), "False ParentNotProgrammed");
  assertEquals(verdict(set.listeners[0].conditions, "Programmed"), "False Pending");
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> refused"]);
});

Deno.test("A Gateway that fits, its ListenerSets counted, is Programmed", () => {
  assertEquals(routes(translated(WORLD, { maxServices: 4 })).length, 4);
});

Deno.test("A Gateway beyond the limit of listeners is not Programmed: NoResources", () => {
  const of = (maxListeners: number): unknown[] => {
    const translation = translated(WORLD, { maxListeners });
    return ["default/old", "default/web"].map((key) =>
      verdict(statusOf(translation, "Gateway", key).conditions, "Programmed")
    );
  };
  assertEquals(of(4), ["True Programmed", "True Programmed"]);
  assertEquals(of(3), ["True Programmed", "False NoResources"]);
});
