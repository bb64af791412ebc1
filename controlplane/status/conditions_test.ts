// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Condition } from "../api/object.ts";
import { conditionsOf } from "./conditions.ts";
import { formatReference } from "./reference.ts";

const condition = (type: string): Condition => ({ type, status: "True", reason: type, message: "" });

Deno.test("conditionsOf() finds a Gateway's own conditions and those of its listeners", () => {
  const status = {
    conditions: [condition("Accepted")],
    listeners: [{ name: "tcp", conditions: [condition("Programmed")] }],
  };
  assertEquals(conditionsOf(status, "default"), [
    { part: "", condition: condition("Accepted") },
    { part: "listener tcp", condition: condition("Programmed") },
  ]);
});

Deno.test("conditionsOf() finds a route's conditions by parent, and leaves other controllers' out", () => {
  const status = {
    parents: [
      {
        parentRef: { name: "web" },
        controllerName: "gateway.networking.k8s.io/blixt",
        conditions: [condition("Accepted")],
      },
      {
        parentRef: { name: "web" },
        controllerName: "example.com/other",
        conditions: [condition("Accepted")],
      },
    ],
  };
  assertEquals(conditionsOf(status, "default"), [
    { part: "parent Gateway default/web", condition: condition("Accepted") },
  ]);
});

Deno.test("conditionsOf() finds nothing in an empty status", () => {
  assertEquals(conditionsOf({}, undefined), []);
});

Deno.test("formatReference() names kind, namespace, section and port", () => {
  assertEquals(formatReference({ name: "web" }, "default"), "Gateway default/web");
  assertEquals(
    formatReference(
      { kind: "ListenerSet", namespace: "infra", name: "more", sectionName: "tcp", port: 80 },
      "default",
    ),
    "ListenerSet infra/more, listener tcp, port 80",
  );
  assertEquals(formatReference({ name: "web" }, undefined), "Gateway web");
});
