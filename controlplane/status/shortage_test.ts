// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import { type Condition } from "../api/object.ts";
import type { Unprogrammed } from "../dataplane/planner.ts";
import type { DesiredStatus, Notice } from "../translate/translation.ts";
import { withShortages } from "./shortage.ts";

const condition = (type: string, status: Condition["status"], reason = type, message = ""): Condition => ({
  type,
  status,
  reason,
  message,
});

const ACCEPTED = condition("Accepted", "True");
const PROGRAMMED = condition("Programmed", "True");

/** An object with two listeners that are programmed. */
const programmed = (kind: "Gateway" | "ListenerSet", key: string): DesiredStatus => ({
  kind,
  key,
  status: {
    conditions: [ACCEPTED, PROGRAMMED],
    listeners: ["tcp", "dns"].map((name) => ({ name, conditions: [ACCEPTED, PROGRAMMED] })),
  },
});

const unprogrammed = (listener: string, route?: string): Unprogrammed => ({
  service: {
    address: "192.0.2.1",
    port: 53,
    protocol: "UDP",
    listener,
    ...(route !== undefined && { route }),
    groups: [],
    affinitySeconds: 0,
  },
  reason: "It needs 2 more of 3 backends and 1 are free, raise --backends",
});

const MESSAGE =
  "UDP port 53 of 192.0.2.1 is not programmed as asked for: It needs 2 more of 3 backends and 1 are free, " +
  "raise --backends.";

Deno.test("withShortages() changes nothing where there is room", () => {
  const told = { statuses: [programmed("Gateway", "default/web")], notices: [] };
  assertStrictEquals(withShortages(told, []), told);
});

Deno.test("withShortages() takes Programmed from the listener, and from its Gateway: NoResources", () => {
  const other = programmed("Gateway", "default/other");
  const { statuses } = withShortages(
    { statuses: [programmed("Gateway", "default/web"), other], notices: [] },
    [unprogrammed("Gateway default/web, listener dns")],
  );
  assertEquals(statuses[0]?.status, {
    conditions: [ACCEPTED, condition("Programmed", "False", "NoResources", `Listener dns: ${MESSAGE}`)],
    listeners: [
      { name: "tcp", conditions: [ACCEPTED, PROGRAMMED] },
      { name: "dns", conditions: [ACCEPTED, condition("Programmed", "False", "Pending", MESSAGE)] },
    ],
  });
  assertStrictEquals(statuses[1], other);
});

Deno.test("withShortages() says Pending of a ListenerSet, which has no reason NoResources", () => {
  const { statuses } = withShortages(
    {
      statuses: [programmed("Gateway", "default/web"), programmed("ListenerSet", "default/set")],
      notices: [],
    },
    [unprogrammed("ListenerSet default/set, listener tcp")],
  );
  assertEquals(statuses.map(({ status }) => (status["conditions"] as Condition[])[1]?.reason), [
    "Programmed",
    "Pending",
  ]);
});

Deno.test("withShortages() keeps the reason of what is not programmed anyway", () => {
  const conditions = [condition("Programmed", "False", "AddressNotUsable")];
  const { statuses } = withShortages(
    { statuses: [{ kind: "Gateway", key: "default/web", status: { conditions } }], notices: [] },
    [unprogrammed("Gateway default/web, listener dns")],
  );
  assertEquals(statuses[0]?.status["conditions"], conditions);
});

Deno.test("withShortages() gives notice of the object and of the route, after those there are", () => {
  const before: Notice = { kind: "Gateway", key: "default/a", reason: "R", message: "m" };
  const { notices } = withShortages({ statuses: [], notices: [before] }, [
    unprogrammed("Gateway default/web, listener dns", "UDPRoute default/dns"),
  ]);
  assertEquals(notices, [before, {
    kind: "Gateway",
    key: "default/web",
    reason: "NoResources",
    message: `Listener dns: ${MESSAGE}`,
  }, {
    kind: "UDPRoute",
    key: "default/dns",
    reason: "NoResources",
    message: `Gateway default/web, listener dns: ${MESSAGE}`,
  }]);
});
