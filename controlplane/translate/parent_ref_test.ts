// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Listener } from "../api/gateway.ts";
import type { L4Route, ParentReference } from "../api/l4_route.ts";
import { modelListener } from "./listeners.ts";
import { listener, namespace, tcpRoute, udpRoute } from "./testing.ts";
import { attach, type Attachment, parentOf } from "./parent_ref.ts";

const LISTENERS: readonly Listener[] = [
  listener({ name: "a", port: 80 }),
  listener({ name: "b", port: 81 }),
  listener({ name: "u", port: 80, protocol: "UDP" }),
  listener({ name: "h", port: 443, protocol: "HTTPS" }),
];

function attachTo(
  ref: Partial<ParentReference>,
  route: L4Route = tcpRoute("default/r"),
  listeners: readonly Listener[] = LISTENERS,
): Attachment {
  const parent = {
    ref: { kind: "Gateway", key: "default/web" } as const,
    namespace: "default",
    listeners: listeners.map((each) => modelListener(each, undefined)),
  };
  const namespaces = (name: string): ReturnType<typeof namespace> => namespace(name, { team: name });
  return attach(route, { name: "web", ...ref }, parent, namespaces);
}

/** The listeners attached to, or the reason for none. */
function outcome(...args: Parameters<typeof attachTo>): string {
  const { accepted, listeners } = attachTo(...args);
  return accepted.status === "True" ? listeners.join() : accepted.reason;
}

const CASES: readonly [string, Partial<ParentReference>, string][] = [
  ["nothing: every listener of the kind", {}, "a,b"],
  ["sectionName", { sectionName: "b" }, "b"],
  ["an empty sectionName, as with nothing", { sectionName: "" }, "a,b"],
  ["port", { port: 80 }, "a"],
  ["sectionName and port that match", { sectionName: "a", port: 80 }, "a"],
  ["sectionName and port of two listeners", { sectionName: "a", port: 81 }, "NoMatchingParent"],
  ["a sectionName that no listener has", { sectionName: "x" }, "NoMatchingParent"],
  ["a port that no listener has", { port: 9 }, "NoMatchingParent"],
  ["a listener of another protocol", { sectionName: "u" }, "NotAllowedByListeners"],
  ["a listener of a protocol that Blixt does not serve", { sectionName: "h" }, "NotAllowedByListeners"],
];

for (const [what, ref, expected] of CASES) {
  Deno.test(`attach() by ${what}: ${expected}`, () => assertEquals(outcome(ref), expected));
}

Deno.test("attach() goes by the kind of the route", () => {
  assertEquals(outcome({}, udpRoute("default/r")), "u");
  assertEquals(outcome({ port: 80 }, udpRoute("default/r")), "u");
});

Deno.test("attach() follows allowedRoutes.kinds", () => {
  const only = [listener({ allowedRoutes: { kinds: [{ kind: "HTTPRoute" }] } })];
  assertEquals(outcome({}, tcpRoute("default/r"), only), "NotAllowedByListeners");
});

Deno.test("attach() takes routes of the listener's own namespace by default", () => {
  assertEquals(outcome({}, tcpRoute("other/r")), "NotAllowedByListeners");
});

Deno.test("attach() is content with one listener that allows the namespace", () => {
  const some = [
    listener({ name: "closed" }),
    listener({ name: "open", port: 81, allowedRoutes: { namespaces: { from: "All" } } }),
    listener({
      name: "blue",
      port: 82,
      allowedRoutes: { namespaces: { from: "Selector", selector: { matchLabels: { team: "blue" } } } },
    }),
  ];
  assertEquals(outcome({}, tcpRoute("default/r"), some), "closed,open");
  assertEquals(outcome({}, tcpRoute("blue/r"), some), "open,blue");
  assertEquals(outcome({}, tcpRoute("red/r"), some), "open");
  assertEquals(outcome({ sectionName: "closed" }, tcpRoute("red/r"), some), "NotAllowedByListeners");
});

Deno.test("attach() says what was looked for", () => {
  assertStringIncludes(
    attachTo({ sectionName: "a", port: 9 }).accepted.message,
    "Gateway default/web has no listener named a and on port 9.",
  );
  assertStringIncludes(
    attachTo({}, tcpRoute("default/r"), []).accepted.message,
    "Gateway default/web has no listener.",
  );
  assertStringIncludes(attachTo({ sectionName: "u" }).accepted.message, "takes a TCPRoute");
  assertStringIncludes(attachTo({}, tcpRoute("red/r")).accepted.message, "routes of namespace red");
});

Deno.test("parentOf() fills in group, kind and namespace", () => {
  const route = tcpRoute("apps/r");
  assertEquals(parentOf(route, { name: "web" }), { kind: "Gateway", key: "apps/web" });
  assertEquals(parentOf(route, { name: "set", kind: "ListenerSet", namespace: "infra" }), {
    kind: "ListenerSet",
    key: "infra/set",
  });
});

Deno.test("parentOf() knows no parents of other kinds", () => {
  const route = tcpRoute("apps/r");
  assertEquals(parentOf(route, { group: "", kind: "Service", name: "echo" }), undefined);
  assertEquals(parentOf(route, { group: "example.com", name: "web" }), undefined);
});
