// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Condition } from "../api/object.ts";
import type { DesiredStatus } from "../translate/translation.ts";
import { pendingStatuses } from "./pending.ts";

const condition = (type: string, status: Condition["status"], reason = type): Condition => ({
  type,
  status,
  reason,
  message: "",
});

Deno.test("pendingStatuses() takes Programmed back from Gateways, ListenerSets and their listeners, and nothing else", () => {
  for (const kind of ["Gateway", "ListenerSet"] as const) {
    const [pending] = pendingStatuses([{
      kind,
      key: "default/a",
      status: {
        conditions: [condition("Accepted", "True"), condition("Programmed", "True")],
        listeners: [{
          name: "tcp",
          conditions: [condition("Programmed", "True"), condition("ResolvedRefs", "True")],
        }],
        addresses: [{ value: "192.0.2.1" }],
      },
    }]);
    const message = "Waiting for the kernel to take the first state";
    const programmed = { ...condition("Programmed", "False", "Pending"), message };
    assertEquals(pending?.status, {
      conditions: [condition("Accepted", "True"), programmed],
      listeners: [{ name: "tcp", conditions: [programmed, condition("ResolvedRefs", "True")] }],
      addresses: [{ value: "192.0.2.1" }],
    });
  }
});

Deno.test("pendingStatuses() keeps the reason of what is not programmed anyway", () => {
  const conditions = [condition("Programmed", "False", "AddressNotAssigned")];
  assertEquals(
    pendingStatuses([{ kind: "Gateway", key: "default/a", status: { conditions } }])[0]?.status["conditions"],
    conditions,
  );
});

Deno.test("pendingStatuses() leaves routes and classes as they are", () => {
  const route: DesiredStatus = { kind: "TCPRoute", key: "default/a", status: { parents: [] } };
  assertStrictEquals(pendingStatuses([route])[0], route);
});
