// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FromNamespaces, Gateway } from "../api/gateway.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Translation } from "./translation.ts";
import {
  at,
  backend,
  gateway,
  gatewayClass,
  listener,
  listenerSet,
  namespace,
  routes,
  statusOf,
  tcpRoute,
  translated,
  verdict,
} from "./testing.ts";

/** Gateway default/web with listener tcp on port 80, which admits ListenerSets by that rule. */
function host(rule: FromNamespaces | undefined, more: Partial<Gateway["spec"]> = {}): Gateway {
  const allowedListeners = rule === undefined ? {} : { namespaces: rule };
  return gateway("default/web", { ...(rule === undefined ? {} : { allowedListeners }), ...more });
}

const OPEN = host({ from: "All" });
const MORE: ListenerSet["spec"]["listeners"] = [listener({ name: "more", port: 81 })];

function translatedWith(...objects: readonly KubernetesObject[]): Translation {
  return translated([gatewayClass(), ...objects]);
}

/** [Accepted, Programmed]. */
function verdicts(translation: Translation, key: string): (string | undefined)[] {
  const { conditions } = statusOf(translation, "ListenerSet", key);
  return [verdict(conditions, "Accepted"), verdict(conditions, "Programmed")];
}

function attached(translation: Translation): number {
  return statusOf(translation, "Gateway", "default/web").attachedListenerSets;
}

Deno.test("A ListenerSet that the Gateway admits is Accepted and Programmed, and counted", () => {
  const translation = translatedWith(OPEN, listenerSet("default/set", { listeners: MORE }));
  assertEquals(verdicts(translation, "default/set"), ["True Accepted", "True Programmed"]);
  assertEquals(attached(translation), 1);
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> refused", "192.0.2.1 TCP 81 -> refused"]);
  const { listeners, conditions } = statusOf(translation, "ListenerSet", "default/set");
  assertEquals(listeners.map((each: { name: string }) => each.name), ["more"]);
  assertEquals(verdict(listeners[0].conditions, "Programmed"), "True Programmed");
  assertEquals(verdict(listeners[0].conditions, "ResolvedRefs"), "True ResolvedRefs");
  assertEquals(conditions[0].observedGeneration, 1);
});

const SELECTOR: FromNamespaces = { from: "Selector", selector: { matchLabels: { team: "blue" } } };
const ALLOWED: readonly [string, FromNamespaces | undefined, string[]][] = [
  ["by default", undefined, []],
  ["for None", { from: "None" }, []],
  ["for Same", { from: "Same" }, ["default"]],
  ["for All", { from: "All" }, ["default", "blue", "red"]],
  ["for Selector", SELECTOR, ["blue"]],
];

for (const [what, rule, namespaces] of ALLOWED) {
  Deno.test(`A Gateway admits ListenerSets ${what} of ${namespaces.join(", ") || "no namespace"}`, () => {
    const from = ["default", "blue", "red"];
    const translation = translatedWith(
      host(rule),
      namespace("blue", { team: "blue" }),
      namespace("red"),
      ...from.map((each, index) =>
        listenerSet(`${each}/set`, {
          parentRef: { name: "web", namespace: "default" },
          listeners: [listener({ port: 81 + index })],
        })
      ),
    );
    for (const each of from) {
      const expected = namespaces.includes(each)
        ? ["True Accepted", "True Programmed"]
        : ["False NotAllowed", "False NotAllowed"];
      assertEquals(verdicts(translation, `${each}/set`), expected, each);
    }
    assertEquals(attached(translation), namespaces.length);
    assertEquals(routes(translation).length, 1 + namespaces.length);
  });
}

Deno.test("A ListenerSet that is not admitted has no listeners, and takes no port from others", () => {
  const translation = translatedWith(
    host({ from: "Same" }),
    listenerSet("other/set", { parentRef: { name: "web", namespace: "default" }, listeners: MORE }, {
      creationTimestamp: at(0),
    }),
    listenerSet("default/set", { listeners: MORE }, { creationTimestamp: at(1) }),
  );
  assertEquals(statusOf(translation, "ListenerSet", "other/set").listeners, []);
  assertEquals(verdicts(translation, "default/set"), ["True Accepted", "True Programmed"]);
});

Deno.test("A ListenerSet of a Gateway of another controller gets no status", () => {
  const other = gateway("default/web", { gatewayClassName: "other" });
  assertEquals(
    statusOf(translatedWith(other, listenerSet("default/set")), "ListenerSet", "default/set"),
    undefined,
  );
});

Deno.test("A ListenerSet whose parentRef names another kind gets no status", () => {
  for (const parentRef of [{ kind: "Service", name: "web" }, { group: "example.com", name: "web" }]) {
    const translation = translatedWith(OPEN, listenerSet("default/set", { parentRef }));
    assertEquals(statusOf(translation, "ListenerSet", "default/set"), undefined);
  }
});

Deno.test("A ListenerSet of a Gateway that is not accepted is not Accepted: ParentNotAccepted", () => {
  const bad = host({ from: "All" }, { listeners: [listener({ protocol: "HTTP" })] });
  const translation = translatedWith(bad, listenerSet("default/set", { listeners: MORE }));
  assertEquals(verdicts(translation, "default/set"), [
    "False ParentNotAccepted",
    "False ParentNotProgrammed",
  ]);
  const [only] = statusOf(translation, "ListenerSet", "default/set").listeners;
  assertEquals(verdict(only.conditions, "Programmed"), "False Invalid");
  assertEquals(attached(translation), 0);
});

Deno.test("A ListenerSet of a Gateway without address is Accepted and not Programmed: ParentNotProgrammed", () => {
  const translation = translatedWith(
    host({ from: "All" }, { addresses: [] }),
    listenerSet("default/set", { listeners: MORE }),
  );
  assertEquals(verdicts(translation, "default/set"), ["True Accepted", "False ParentNotProgrammed"]);
  const [only] = statusOf(translation, "ListenerSet", "default/set").listeners;
  assertEquals(verdict(only.conditions, "Programmed"), "False Pending");
});

Deno.test("A ListenerSet without listeners is not Accepted: Invalid", () => {
  const translation = translatedWith(OPEN, listenerSet("default/set", { listeners: [] }));
  assertEquals(verdicts(translation, "default/set"), ["False Invalid", "False Invalid"]);
});

Deno.test("A ListenerSet with some listeners valid is Accepted: ListenersNotValid, Programmed, and counted", () => {
  const listeners = [...MORE, listener({ name: "web", port: 82, protocol: "HTTP" })];
  const translation = translatedWith(OPEN, listenerSet("default/set", { listeners }));
  assertEquals(verdicts(translation, "default/set"), ["True ListenersNotValid", "True Programmed"]);
  assertEquals(attached(translation), 1);
});

Deno.test("A ListenerSet whose listeners all conflict with the Gateway's is not Accepted: ListenersNotValid", () => {
  const translation = translatedWith(OPEN, listenerSet("default/set", { listeners: [listener()] }));
  assertEquals(verdicts(translation, "default/set"), ["False ListenersNotValid", "False ListenersNotValid"]);
  assertEquals(attached(translation), 0);
  const [lost] = statusOf(translation, "ListenerSet", "default/set").listeners;
  const types = ["Accepted", "Programmed", "Conflicted"];
  assertEquals(types.map((type) => verdict(lost.conditions, type)), [
    "False ListenerConflict",
    "False ListenerConflict",
    "True ListenerConflict",
  ]);
  const [won] = statusOf(translation, "Gateway", "default/web").listeners;
  assertEquals(verdict(won.conditions, "Programmed"), "True Programmed");
});

Deno.test("A listener of another protocol over TCP on the Gateway's port is a ProtocolConflict", () => {
  const listeners = [...MORE, listener({ name: "tls", protocol: "TLS" })];
  const translation = translatedWith(OPEN, listenerSet("default/set", { listeners }));
  const [, lost] = statusOf(translation, "ListenerSet", "default/set").listeners;
  assertEquals(verdict(lost.conditions, "Accepted"), "False ProtocolConflict");
  assertEquals(verdict(lost.conditions, "Conflicted"), "True ProtocolConflict");
});

Deno.test("Of two ListenerSets with one port the older one has it, then the first by namespace/name", () => {
  const set = (key: string, age: number): ListenerSet =>
    listenerSet(key, { listeners: MORE, parentRef: { name: "web", namespace: "default" } }, {
      creationTimestamp: at(-age),
    });
  const winner = (...sets: ListenerSet[]): string[] =>
    translatedWith(OPEN, ...sets).dataplane.services.map(({ listener }) => listener)
      .filter((name) => name.startsWith("ListenerSet"));
  assertEquals(winner(set("default/a", 0), set("default/b", 1)), ["ListenerSet default/b, listener more"]);
  assertEquals(winner(set("default/b", 0), set("blue/z", 0)), ["ListenerSet blue/z, listener more"]);
});

Deno.test("A ListenerSet whose listeners another Gateway's keep from their ports is not Programmed: PortUnavailable", () => {
  const older = gateway("default/older", { listeners: [listener({ port: 81 })] }, {
    creationTimestamp: at(0),
  });
  const translation = translatedWith(older, OPEN, listenerSet("default/set", { listeners: MORE }));
  assertEquals(verdicts(translation, "default/set"), ["False ListenersNotValid", "False PortUnavailable"]);
  const [only] = statusOf(translation, "ListenerSet", "default/set").listeners;
  assertEquals(verdict(only.conditions, "Accepted"), "False PortUnavailable");
  assertEquals(verdict(only.conditions, "Programmed"), "False PortUnavailable");
  assertStringIncludes(only.conditions[0].message, "Gateway default/older");
});

Deno.test("A route attaches to a ListenerSet's listener and gets its traffic", () => {
  const translation = translatedWith(
    OPEN,
    listenerSet("default/set", { listeners: MORE }),
    tcpRoute("default/echo", { parentRefs: [{ kind: "ListenerSet", name: "set", sectionName: "more" }] }),
    ...backend("default/echo", "10.0.0.1"),
  );
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> refused", "192.0.2.1 TCP 81 -> 1*10.0.0.1:8080"]);
  assertEquals(statusOf(translation, "ListenerSet", "default/set").listeners[0].attachedRoutes, 1);
  assertEquals(statusOf(translation, "Gateway", "default/web").listeners[0].attachedRoutes, 0);
});

Deno.test("A route's parentRef to the Gateway does not find the ListenerSet's listeners", () => {
  const translation = translatedWith(
    OPEN,
    listenerSet("default/set", { listeners: MORE }),
    tcpRoute("default/echo", { parentRefs: [{ name: "web", sectionName: "more" }] }),
  );
  const [parent] = statusOf(translation, "TCPRoute", "default/echo").parents;
  assertEquals(verdict(parent.conditions, "Accepted"), "False NoMatchingParent");
});

Deno.test("allowedRoutes of a ListenerSet's listener means the ListenerSet's namespace by Same", () => {
  const translation = translatedWith(
    OPEN,
    listenerSet("blue/set", { parentRef: { name: "web", namespace: "default" }, listeners: MORE }),
    tcpRoute("blue/echo", { parentRefs: [{ kind: "ListenerSet", name: "set" }] }),
    tcpRoute("default/echo", { parentRefs: [{ kind: "ListenerSet", name: "set", namespace: "blue" }] }),
  );
  const accepted = (key: string): string | undefined =>
    verdict(statusOf(translation, "TCPRoute", key).parents[0].conditions, "Accepted");
  assertEquals([accepted("blue/echo"), accepted("default/echo")], [
    "True Accepted",
    "False NotAllowedByListeners",
  ]);
});

Deno.test("A route to a ListenerSet that the Gateway does not admit is not Accepted: NoMatchingParent", () => {
  const translation = translatedWith(
    host(undefined),
    listenerSet("default/set", { listeners: MORE }),
    tcpRoute("default/echo", { parentRefs: [{ kind: "ListenerSet", name: "set" }] }),
  );
  const [parent] = statusOf(translation, "TCPRoute", "default/echo").parents;
  assertEquals(verdict(parent.conditions, "Accepted"), "False NoMatchingParent");
  assertStringIncludes(parent.conditions[0].message, "does not admit ListenerSet default/set");
});
