// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Condition } from "../api/object.ts";
import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import { type Kind } from "../api/snapshot.ts";
import { mergeStatus } from "../status/merge.ts";
import { gateway, gatewayClass, listenerSet, translated } from "./testing.ts";
import type { Translation } from "./translation.ts";

const WORLD = [
  gatewayClass(),
  gateway("default/web", { allowedListeners: { namespaces: { from: "Same" } } }),
  listenerSet("default/set", {}),
];
const [classObject, gatewayObject, setObject] = WORLD as [typeof WORLD[0], typeof WORLD[0], typeof WORLD[0]];

const statusOf = (translation: Translation, kind: Kind): Readonly<Record<string, unknown>> | undefined =>
  translation.statuses.find((status) => status.kind === kind)?.status;

/** The objects with the statuses that they get. */
const written = ((): typeof WORLD => {
  const translation = translated(WORLD);
  return WORLD.map((object) => {
    const status = statusOf(translation, object.kind as Kind);
    return status === undefined ? object : { ...object, status };
  });
})();
const [, gatewayWritten, setWritten] = written as [typeof WORLD[0], typeof WORLD[0], typeof WORLD[0]];

const verdicts = (status: Readonly<Record<string, unknown>> | undefined): unknown =>
  (status?.["conditions"] as Condition[] | undefined)?.map(({ type, status, reason }) =>
    `${type} ${status} ${reason}`
  );
const WAITING = ["Accepted Unknown Pending", "Programmed Unknown Pending"];

Deno.test("A Gateway whose class is gone waits for a controller again, and keeps its addresses for when it comes", () => {
  const status = statusOf(translated([gatewayWritten]), "Gateway");
  assertEquals(verdicts(status), WAITING);
  const present = (gatewayWritten as { status?: Record<string, unknown> }).status;
  const merged = mergeStatus("Gateway", present, status!, "2026-01-01T00:00:00Z");
  assertEquals([merged["addresses"], merged["listeners"]], [present?.["addresses"], undefined]);
});

Deno.test("A ListenerSet whose Gateway is gone, or has no class, waits for a controller again", () => {
  assertEquals(verdicts(statusOf(translated([classObject, setWritten]), "ListenerSet")), WAITING);
  assertEquals(verdicts(statusOf(translated([gatewayWritten, setWritten]), "ListenerSet")), WAITING);
});

Deno.test("Objects that never had an owner, or wait already, get no status", () => {
  assertEquals(translated([gatewayObject, setObject]).statuses, []);
  const conditions = ["Accepted", "Programmed"].map((type) => ({
    type,
    status: "Unknown",
    reason: "Pending",
  }));
  assertEquals(
    translated([{ ...gatewayObject, status: { conditions } } as unknown as typeof gatewayObject]).statuses,
    [],
  );
});

Deno.test("Objects of another controller are left alone", () => {
  const other = { ...classObject, spec: { controllerName: `${CONTROLLER_NAME}-not` } } as typeof classObject;
  assertEquals(translated([other, gatewayWritten, setWritten]).statuses, []);
});
