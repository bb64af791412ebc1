// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Condition } from "../api/object.ts";
import { condition, no, yes } from "./conditions.ts";
import { gateway } from "./testing.ts";

Deno.test("condition() observes the object's generation", () => {
  assertEquals(
    condition(gateway("default/web", {}, { generation: 7 }), "Accepted", yes("Accepted", "Fine.")),
    {
      type: "Accepted",
      status: "True",
      reason: "Accepted",
      message: "Fine.",
      observedGeneration: 7,
    },
  );
});

Deno.test("condition() has no observedGeneration for an object without generation", () => {
  const { generation: _, ...metadata } = gateway("default/web").metadata;
  const object = { ...gateway("default/web"), metadata };
  assertEquals("observedGeneration" in condition(object, "Accepted", no("Invalid", "Bad.")), false);
});

Deno.test("condition() gives one object for all objects of which the same is said", () => {
  const of = (name: string, message: string): Condition =>
    condition(gateway(name, {}, { generation: 2 }), "Accepted", yes("Accepted", message));
  assertStrictEquals(of("default/web", "Fine."), of("default/other", "Fine."));
  assertEquals(of("default/web", "Well.").message, "Well.");
});
