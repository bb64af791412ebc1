// SPDX-License-Identifier: Apache-2.0

// The table of conditions as a whole: for every kind of object each condition,
// status and reason that Blixt gives, with the smallest world that asks for it,
// and proof that no world here gives another. Not in it are reasons that layer 4
// or Blixt has no case for: InvalidCertificateRef, RefNotPermitted of a listener
// and HostnameConflict need TLS or hostnames; Unsupported needs a controller
// that takes one GatewayClass; a Gateway's Programmed is never Pending, as its
// addresses are assigned with its first status.

import { assertEquals } from "@std/assert";
import type { Condition, KubernetesObject } from "../api/object.ts";
import {
  at,
  backend,
  gateway,
  gatewayClass,
  gatewayClassWithConfig,
  listener,
  listenerSet,
  service,
  tcpRoute,
  translated,
} from "./testing.ts";
import type { TranslateOptions } from "./options.ts";

type World = readonly KubernetesObject[];

const same = { namespaces: { from: "Same" } } as const;
const web = (spec: Parameters<typeof gateway>[1] = {}): KubernetesObject =>
  gateway("default/web", { allowedListeners: same, ...spec }, { creationTimestamp: at(1) });
const tls = listener({ name: "tls", protocol: "TLS", port: 443 });
const https = listener({ name: "https", protocol: "HTTPS", port: 80 });
const elder = gateway("default/elder", {}, { creationTimestamp: at(0) });
const echo = backend("default/echo", "10.0.0.1");

/** Worlds by the line of the table that each is for: kind, condition, status, reason. */
const TABLE: Readonly<Record<string, World>> = {
  "GatewayClass Accepted True Accepted": [],
  "GatewayClass Accepted False InvalidParameters": [gatewayClassWithConfig("gone")],
  "Gateway Accepted True Accepted": [web()],
  "Gateway Accepted True ListenersNotValid": [web({ listeners: [listener(), tls] })],
  "Gateway Accepted False ListenersNotValid": [web({ listeners: [tls] })],
  "Gateway Accepted False UnsupportedAddress": [web({ addresses: [{ type: "Hostname", value: "a.test" }] })],
  "Gateway Accepted False InvalidParameters": [
    web({ infrastructure: { parametersRef: { group: "", kind: "ConfigMap", name: "a" } } }),
  ],
  "Gateway Accepted False Invalid": [web({ listeners: [] })],
  "Gateway Programmed True Programmed": [web()],
  "Gateway Programmed False AddressNotAssigned": [web({ addresses: [] })],
  "Gateway Programmed False AddressNotUsable": [web({ addresses: [{ value: "127.0.0.1" }] })],
  "Gateway Programmed False NoResources": [
    web({ listeners: [listener(), listener({ name: "b", port: 81 })] }),
  ],
  "Gateway Programmed False Invalid": [web({ listeners: [] })],
  "Listener Accepted True Accepted": [web()],
  "Listener Accepted False UnsupportedProtocol": [web({ listeners: [tls] })],
  "Listener Accepted False PortUnavailable": [web(), elder],
  "Listener Accepted False UnsupportedValue": [web({ listeners: [listener({ tls: {} })] })],
  "Listener Accepted False ProtocolConflict": [web({ listeners: [listener(), https] })],
  "Listener Accepted False ListenerConflict": [web(), listenerSet("default/set")],
  "Listener ResolvedRefs True ResolvedRefs": [web()],
  "Listener ResolvedRefs False InvalidRouteKinds": [
    web({ listeners: [listener({ allowedRoutes: { kinds: [{ kind: "UDPRoute" }] } })] }),
  ],
  "Listener Programmed True Programmed": [web()],
  "Listener Programmed False Invalid": [web({ listeners: [tls] })],
  "Listener Programmed False Pending": [web({ addresses: [] })],
  "Listener Programmed False ProtocolConflict": [web({ listeners: [listener(), https] })],
  "Listener Programmed False ListenerConflict": [web(), listenerSet("default/set")],
  "Listener Programmed False PortUnavailable": [
    web({ listeners: [listener({ port: 81 })] }),
    elder,
    listenerSet("default/set"),
  ],
  "Listener Conflicted True ProtocolConflict": [web({ listeners: [listener(), https] })],
  "Listener Conflicted True ListenerConflict": [web(), listenerSet("default/set")],
  "Listener Conflicted False NoConflicts": [web()],
  "ListenerSet Accepted True Accepted": [web(), set(81)],
  "ListenerSet Accepted True ListenersNotValid": [web(), set(80, 81)],
  "ListenerSet Accepted False ListenersNotValid": [web(), set(80)],
  "ListenerSet Accepted False NotAllowed": [gateway("default/web"), set(81)],
  "ListenerSet Accepted False ParentNotAccepted": [web({ listeners: [] }), set(81)],
  "ListenerSet Accepted False Invalid": [web(), set()],
  "ListenerSet Programmed True Programmed": [web(), set(81)],
  "ListenerSet Programmed False ParentNotProgrammed": [web({ addresses: [] }), set(81)],
  "ListenerSet Programmed False ListenersNotValid": [web(), set(80)],
  "ListenerSet Programmed False PortUnavailable": [
    web({ listeners: [listener({ port: 81 })] }),
    elder,
    set(80),
  ],
  "ListenerSet Programmed False NotAllowed": [gateway("default/web"), set(81)],
  "ListenerSet Programmed False Invalid": [web(), set()],
  "Route Accepted True Accepted": [web(), tcpRoute("default/r"), ...echo],
  "Route Accepted False NoMatchingParent": [web(), to({ sectionName: "gone" })],
  "Route Accepted False NotAllowedByListeners": [
    web(),
    tcpRoute("other/r", { parentRefs: [{ name: "web", namespace: "default" }] }),
  ],
  "Route ResolvedRefs True ResolvedRefs": [web(), tcpRoute("default/r"), ...echo],
  "Route ResolvedRefs False BackendNotFound": [web(), tcpRoute("default/r")],
  "Route ResolvedRefs False RefNotPermitted": [web(), from({ namespace: "other" })],
  "Route ResolvedRefs False InvalidKind": [web(), from({ kind: "ConfigMap" })],
  "Route ResolvedRefs False UnsupportedProtocol": [
    web(),
    tcpRoute("default/r"),
    service("default/echo", { ports: [{ port: 80, protocol: "UDP" }] }),
  ],
};

function set(...ports: number[]): KubernetesObject {
  const listeners = ports.map((port) => listener({ name: `p${port}`, port }));
  return listenerSet("default/set", { listeners }, { creationTimestamp: at(2) });
}

function to(parent: object): KubernetesObject {
  return tcpRoute("default/r", { parentRefs: [{ name: "web", ...parent }] });
}

function from(backend: object): KubernetesObject {
  return tcpRoute("default/r", { backendRefs: [{ name: "echo", port: 80, ...backend }] });
}

const ROWS: Readonly<Record<string, string>> = { TCPRoute: "Route", UDPRoute: "Route" };

/** Every line of the table that a world's statuses are examples of. */
function linesOf(world: World, options: TranslateOptions): string[] {
  const lines = new Set<string>();
  const add = (kind: string, conditions: readonly Condition[] = []): void => {
    for (const { type, status, reason } of conditions) lines.add(`${kind} ${type} ${status} ${reason}`);
  };
  for (const { kind, status } of translated([gatewayClass(), ...world], options).statuses) {
    // deno-lint-ignore no-explicit-any -- statuses of every kind
    const { conditions, listeners, parents } = status as any;
    add(ROWS[kind] ?? kind, conditions);
    for (const entry of listeners ?? []) add("Listener", entry.conditions);
    for (const entry of parents ?? []) add("Route", entry.conditions);
  }
  return [...lines];
}

for (const [line, world] of Object.entries(TABLE)) {
  Deno.test(`translate() gives ${line}, and nothing beyond the table`, () => {
    const options = line.endsWith("NoResources") ? { maxServices: 1 } : {};
    const lines = linesOf(world, options);
    assertEquals(lines.filter((each) => each === line), [line]);
    assertEquals(lines.filter((each) => !(each in TABLE)), []);
  });
}
