// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { ReferenceGrant } from "../api/reference_grant.ts";
import { isGranted } from "./reference_grant.ts";
import { referenceGrant } from "./testing.ts";

const GROUP = "gateway.networking.k8s.io";
const FROM = { group: GROUP, kind: "TCPRoute", namespace: "apps" };
const TO = { group: "", kind: "Service", name: "echo" };

function granted(...specs: Partial<ReferenceGrant["spec"]>[]): boolean {
  return isGranted(specs.map((spec, index) => referenceGrant(`backends/g${index}`, "apps", spec)), FROM, TO);
}

Deno.test("isGranted() needs a grant", () => assertEquals(granted(), false));
Deno.test("isGranted() takes a grant for the whole kind", () => assertEquals(granted({}), true));
Deno.test("isGranted() takes a grant for the name", () => {
  assertEquals(granted({ to: [{ group: "", kind: "Service", name: "echo" }] }), true);
  assertEquals(granted({ to: [{ group: "", kind: "Service", name: "other" }] }), false);
});
Deno.test("isGranted() takes an empty name as none", () => {
  assertEquals(granted({ to: [{ group: "", kind: "Service", name: "" }] }), true);
});

for (
  const [what, spec] of Object.entries<Partial<ReferenceGrant["spec"]>>({
    "another namespace": { from: [{ ...FROM, namespace: "other" }] },
    "another kind of route": { from: [{ ...FROM, kind: "UDPRoute" }] },
    "another group of route": { from: [{ ...FROM, group: "example.com" }] },
    "another kind of backend": { to: [{ group: "", kind: "Secret" }] },
    "another group of backend": { to: [{ group: "apps", kind: "Service" }] },
    "no from": { from: [] },
    "no to": { to: [] },
  })
) {
  Deno.test(`isGranted() refuses a grant with ${what}`, () => assertEquals(granted(spec), false));
}

Deno.test("isGranted() takes from and to of one grant only", () => {
  assertEquals(
    granted({ from: [{ ...FROM, namespace: "x" }] }, { to: [{ group: "", kind: "Secret" }] }),
    false,
  );
});

Deno.test("isGranted() takes any of several entries and grants", () => {
  assertEquals(granted({ from: [] }, { from: [{ ...FROM, namespace: "x" }, FROM] }), true);
});

Deno.test("isGranted() survives a grant without lists", () => {
  assertEquals(isGranted([{ ...referenceGrant("backends/g", "apps"), spec: {} }], FROM, TO), false);
});
