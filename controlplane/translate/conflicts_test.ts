// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Listener } from "../api/gateway.ts";
import { findConflicts } from "./conflicts.ts";

/** "TCP/80" as a listener; its name is its place. */
function listeners(...ports: string[]): Listener[] {
  return ports.map((text, index) => {
    const [protocol = "", port = ""] = text.split("/");
    return { name: `l${index}`, protocol, port: Number(port) };
  });
}

/** The reason of each listener of each group, "-" for none. */
function reasons(...groups: readonly (readonly string[])[]): string[][] {
  const models = groups.map((ports, index) => ({ name: `Group ${index}`, listeners: listeners(...ports) }));
  return findConflicts(models).map((group) => group.map((verdict) => verdict?.reason ?? "-"));
}

const L = "ListenerConflict";
const P = "ProtocolConflict";

Deno.test("findConflicts() finds none between different ports", () => {
  assertEquals(reasons(["TCP/80", "TCP/81"]), [["-", "-"]]);
});

Deno.test("findConflicts() lets TCP and UDP have one port", () => {
  assertEquals(reasons(["TCP/53", "UDP/53"]), [["-", "-"]]);
});

for (const protocol of ["HTTP", "HTTPS", "TLS"]) {
  Deno.test(`findConflicts() finds no winner between TCP and ${protocol} in one Gateway`, () => {
    assertEquals(reasons(["TCP/443", `${protocol}/443`]), [[P, P]]);
    assertEquals(reasons([`${protocol}/443`, "TCP/443"]), [[P, P]]);
  });
}

Deno.test("findConflicts() lets UDP and the protocols over TCP have one port", () => {
  assertEquals(reasons(["UDP/443", "HTTPS/443"]), [["-", "-"]]);
});

Deno.test("findConflicts() finds no winner between listeners of one protocol and port in one Gateway", () => {
  assertEquals(reasons(["TCP/80", "TCP/80"]), [[L, L]]);
  assertEquals(reasons(["UDP/80", "UDP/80", "UDP/81"]), [[L, L, "-"]]);
});

Deno.test("findConflicts() leaves listeners alone that Blixt does not serve and that hostnames may tell apart", () => {
  assertEquals(reasons(["HTTP/80", "HTTP/80"]), [["-", "-"]]);
  assertEquals(reasons(["HTTP/80"], ["HTTPS/80"]), [["-"], ["-"]]);
});

Deno.test("findConflicts() knows nothing about ports of protocols that nobody knows", () => {
  assertEquals(reasons(["TCP/80", "example.com/x/80"]), [["-", "-"]]);
});

Deno.test("findConflicts() lets the earlier group win", () => {
  assertEquals(reasons(["TCP/80"], ["TCP/80", "TCP/81"], ["TCP/81"]), [["-"], [L, "-"], [L]]);
  assertEquals(reasons(["TCP/80"], ["TLS/80"]), [["-"], [P]]);
  assertEquals(reasons(["TLS/80"], ["TCP/80"]), [["-"], [P]]);
});

Deno.test("findConflicts() gives a port to no later group when earlier listeners conflict over it", () => {
  assertEquals(reasons(["TCP/80", "TLS/80"], ["TCP/80"]), [[P, P], [L]]);
});

Deno.test("findConflicts() names the winner rather than a sibling", () => {
  assertEquals(reasons(["TCP/80"], ["TLS/80", "TCP/80"]), [["-"], [P, L]]);
});

Deno.test("findConflicts() names the other listener, its object and the way out", () => {
  const groups = [
    { name: "Gateway default/web", listeners: listeners("TCP/80") },
    { name: "ListenerSet default/more", listeners: listeners("TCP/80") },
  ];
  const [message] = findConflicts(groups).flat().flatMap((verdict) => verdict?.message ?? []);
  assertStringIncludes(message ?? "", "Port 80 is also that of TCP listener l0 of Gateway default/web");
  assertStringIncludes(message ?? "", "another port");
});

Deno.test("findConflicts() tells listeners apart that are one object, as with aliases in YAML", () => {
  const [shared] = listeners("TCP/80");
  const groups = ["a", "b"].map((name) => ({ name, listeners: [shared!] }));
  assertEquals(findConflicts(groups).flat().map((verdict) => verdict?.reason), [undefined, L]);
});
