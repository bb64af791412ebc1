// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Listener } from "../api/gateway.ts";
import { gateway, gatewayClass, listener, statusOf, tcpRoute, translated, verdict } from "./testing.ts";

// deno-lint-ignore no-explicit-any -- tests look into the status as users do
function listenerStatuses(...listeners: Listener[]): any[] {
  const translation = translated([gatewayClass(), gateway("default/web", { listeners })]);
  return statusOf(translation, "Gateway", "default/web").listeners;
}

/** Accepted, Programmed, ResolvedRefs and Conflicted of the first of the listeners. */
function verdicts(...listeners: Listener[]): (string | undefined)[] {
  const [{ conditions }] = listenerStatuses(...listeners) as [{ conditions: [] }];
  return ["Accepted", "Programmed", "ResolvedRefs", "Conflicted"].map((type) => verdict(conditions, type));
}

const FINE = ["True Accepted", "True Programmed", "True ResolvedRefs", "False NoConflicts"];
const KINDS = [{ group: "gateway.networking.k8s.io", kind: "TCPRoute" }];

Deno.test("A TCP listener is Accepted, Programmed, its refs resolved, without conflict", () => {
  const [status] = listenerStatuses(listener());
  assertEquals(verdicts(listener()), FINE);
  assertEquals([status.name, status.supportedKinds, status.attachedRoutes], ["tcp", KINDS, 0]);
});

Deno.test("A UDP listener is Accepted and takes UDPRoutes", () => {
  assertEquals(verdicts(listener({ protocol: "UDP" })), FINE);
  assertEquals(listenerStatuses(listener({ protocol: "UDP" }))[0].supportedKinds[0].kind, "UDPRoute");
});

for (const protocol of ["HTTP", "HTTPS", "TLS", "INVALID", "example.com/x"]) {
  Deno.test(`A listener of protocol ${protocol} is not Accepted: UnsupportedProtocol`, () => {
    const [status] = listenerStatuses(listener({ protocol }));
    assertEquals(verdicts(listener({ protocol })), [
      "False UnsupportedProtocol",
      "False Invalid",
      "True ResolvedRefs",
      "False NoConflicts",
    ]);
    assertEquals(status.supportedKinds, []);
    assertStringIncludes(status.conditions[0].message, protocol);
  });
}

Deno.test("A listener that names a kind nobody knows has ResolvedRefs False: InvalidRouteKinds, and no supportedKinds", () => {
  const odd = listener({ allowedRoutes: { kinds: [{ kind: "InvalidRoute" }] } });
  assertEquals(verdicts(odd), [
    "True Accepted",
    "False Invalid",
    "False InvalidRouteKinds",
    "False NoConflicts",
  ]);
  assertEquals(listenerStatuses(odd)[0].supportedKinds, []);
});

Deno.test("A listener that names a good kind besides keeps that one and is Programmed", () => {
  const odd = listener({ allowedRoutes: { kinds: [{ kind: "InvalidRoute" }, { kind: "TCPRoute" }] } });
  assertEquals(verdicts(odd), [
    "True Accepted",
    "True Programmed",
    "False InvalidRouteKinds",
    "False NoConflicts",
  ]);
  assertEquals(listenerStatuses(odd)[0].supportedKinds, KINDS);
});

const UNSUPPORTED: readonly [string, Partial<Listener>, string][] = [
  ["tls", { tls: { mode: "Passthrough" } }, "tls is set"],
  ["a port of 0", { port: 0 }, "port 0"],
  ["a port too large", { port: 65_536 }, "port 65536"],
  ["a port that is none", { port: 1.5 }, "port 1.5"],
  ["an unknown namespaces.from", { allowedRoutes: { namespaces: { from: "Any" } } }, "from is Any"],
  ["an unknown operator", {
    allowedRoutes: {
      namespaces: { from: "Selector", selector: { matchExpressions: [{ key: "a", operator: "Like" }] } },
    },
  }, "operator Like"],
];

for (const [what, more, part] of UNSUPPORTED) {
  Deno.test(`A listener with ${what} is not Accepted: UnsupportedValue`, () => {
    const [accepted, programmed] = verdicts(listener(more));
    assertEquals([accepted, programmed], ["False UnsupportedValue", "False Invalid"]);
    assertStringIncludes(listenerStatuses(listener(more))[0].conditions[0].message, part);
  });
}

Deno.test("A listener's hostname is ignored, for TCP and UDP have none", () => {
  assertEquals(verdicts(listener({ hostname: "example.com" })), FINE);
});

Deno.test("Listeners that conflict say so in Accepted, Programmed and Conflicted, both of them", () => {
  const tcp = listener({ port: 443 });
  const tls = listener({ name: "tls", port: 443, protocol: "TLS" });
  const expected = [
    "False ProtocolConflict",
    "False ProtocolConflict",
    "True ResolvedRefs",
    "True ProtocolConflict",
  ];
  assertEquals(verdicts(tcp, tls), expected);
  assertEquals(verdicts(tls, tcp), expected);
});

Deno.test("attachedRoutes counts routes of a listener that is not accepted", () => {
  const listeners = [listener({ port: 443 }), listener({ name: "tls", port: 443, protocol: "TLS" })];
  const translation = translated([
    gatewayClass(),
    gateway("default/web", { listeners }),
    tcpRoute("default/a"),
    tcpRoute("default/b", { parentRefs: [{ name: "web", sectionName: "tls" }] }),
  ]);
  const counts = statusOf(translation, "Gateway", "default/web").listeners
    .map(({ attachedRoutes }: { attachedRoutes: number }) => attachedRoutes);
  assertEquals(counts, [1, 0]);
});
