// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Gateway } from "../api/gateway.ts";
import type { KubernetesObject } from "../api/object.ts";
import { emptySnapshot } from "../api/snapshot.ts";
import {
  backend,
  endpointSlice,
  gateway,
  gatewayClass,
  gatewayClassConfig,
  gatewayClassWithConfig,
  listener,
  listenerSet,
  namespace,
  node,
  referenceGrant,
  routes,
  service,
  snapshotOf,
  statusOf,
  tcpRoute,
  translated,
  udpRoute,
  verdict,
  withAddresses,
} from "./testing.ts";
import { anyObjects } from "./testing_worlds.ts";
import { translate } from "./translate.ts";
import type { Translation } from "./translation.ts";

Deno.test("translate() sends a TCPRoute's traffic to the endpoints of its Service", () => {
  const translation = translated([
    gatewayClass(),
    gateway("default/web"),
    tcpRoute("default/echo"),
    ...backend("default/echo", "10.0.0.2", "10.0.0.1"),
  ]);
  assertEquals(routes(translation), ["192.0.2.1 TCP 80 -> 1*10.0.0.1:8080+10.0.0.2:8080"]);
  const status = statusOf(translation, "Gateway", "default/web");
  assertEquals(verdict(status.conditions, "Programmed"), "True Programmed");
  assertEquals(status.listeners[0].attachedRoutes, 1);
  const [parent] = statusOf(translation, "TCPRoute", "default/echo").parents;
  assertEquals(verdict(parent.conditions, "Accepted"), "True Accepted");
  assertEquals(verdict(parent.conditions, "ResolvedRefs"), "True ResolvedRefs");
});

Deno.test("translate() answers nothing for nothing", () => {
  assertEquals(translate(emptySnapshot()), {
    dataplane: { services: [] },
    statuses: [],
    notices: [],
    loadBalancers: [],
  });
});

Deno.test("translate() refuses the traffic of a listener without routes", () => {
  const [service] = translated([gatewayClass(), gateway("default/web")]).dataplane.services;
  assertEquals(service, {
    address: "192.0.2.1",
    port: 80,
    protocol: "TCP",
    listener: "Gateway default/web, listener tcp",
    groups: [],
    affinitySeconds: 0,
  });
});

Deno.test("translate() sorts statuses by kind and key", () => {
  const translation = translated([
    tcpRoute("b/r", { parentRefs: [{ name: "web", namespace: "default" }] }),
    tcpRoute("a/r", { parentRefs: [{ name: "web", namespace: "default" }] }),
    listenerSet("default/set"),
    gateway("default/web"),
    gatewayClass(),
  ]);
  assertEquals(translation.statuses.map(({ kind, key }) => `${kind} ${key}`), [
    "Gateway default/web",
    "GatewayClass blixt",
    "ListenerSet default/set",
    "TCPRoute a/r",
    "TCPRoute b/r",
  ]);
});

Deno.test("translate() keeps attachedRoutes right for a thousand routes on one Gateway", () => {
  const many = Array.from({ length: 1000 }, (_, index) => tcpRoute(`default/r${index}`));
  const translation = translated([gatewayClass(), gateway("default/web"), ...many]);
  assertEquals(statusOf(translation, "Gateway", "default/web").listeners[0].attachedRoutes, 1000);
  assertEquals(translation.statuses.length, 1002);
});

Deno.test("translate() answers the same whatever the order of the objects", () => {
  const world = anyObjects.chain((objects) => {
    // Of equal keys the last counts, so each key is to occur once.
    const unique = [
      ...new Map(
        objects.map((each) => [`${each.kind} ${each.metadata.namespace}/${each.metadata.name}`, each]),
      ).values(),
    ];
    return fc.tuple(fc.constant(unique), fc.shuffledSubarray(unique, { minLength: unique.length }));
  });
  fc.assert(
    fc.property(world, ([objects, shuffled]) => assertEquals(translated(shuffled), translated(objects))),
    { numRuns: 300 },
  );
});

Deno.test("translate() gives no address, port and protocol to two listeners, and sorts services", () => {
  fc.assert(
    fc.property(anyObjects, (objects) => {
      const { services } = translated(objects).dataplane;
      const keys = services.map(({ address, port, protocol }) => `${address} ${port} ${protocol}`);
      assertEquals(new Set(keys).size, keys.length);
      for (const [index, service] of services.entries()) {
        const next = services[index + 1];
        if (next?.address === service.address) {
          assert(
            service.port < next.port || (service.port === next.port && service.protocol < next.protocol),
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** The objects with the addresses of their statuses written back, as an API server would have them. */
function withStatuses(objects: readonly KubernetesObject[], translation: Translation): KubernetesObject[] {
  return objects.map((object) => {
    if (object.kind !== "Gateway") return object;
    const { namespace, name } = object.metadata;
    const status = statusOf(translation, "Gateway", `${namespace}/${name}`);
    const addresses: { value: string }[] = status?.addresses ?? [];
    return status === undefined
      ? object
      : withAddresses(object as Gateway, ...addresses.map(({ value }) => value));
  });
}

Deno.test("translate() settles at once: with its statuses written it answers the same", () => {
  fc.assert(
    fc.property(anyObjects, (objects) => {
      const first = translated(objects);
      const second = translated(withStatuses(objects, first));
      assertEquals(second.statuses, first.statuses);
      assertEquals(second.dataplane, first.dataplane);
    }),
    { numRuns: 300 },
  );
});

/** One object of each kind with every optional field in use. */
const FULL: readonly KubernetesObject[] = [
  gatewayClassWithConfig(),
  gatewayClassConfig({
    addressPools: [{ start: "192.0.2.8", end: "192.0.2.9" }],
    staticAddresses: [{ cidr: "192.0.2.0/24" }],
  }),
  withAddresses(
    gateway("default/web", {
      addresses: [{ type: "IPAddress", value: "192.0.2.1" }, {}],
      allowedListeners: {
        namespaces: {
          from: "Selector",
          selector: { matchLabels: {}, matchExpressions: [{ key: "a", operator: "NotIn", values: ["b"] }] },
        },
      },
      infrastructure: { labels: { a: "b" }, annotations: { c: "d" } },
      listeners: [
        listener({
          allowedRoutes: {
            kinds: [{ group: "gateway.networking.k8s.io", kind: "TCPRoute" }],
            namespaces: { from: "Selector", selector: { matchLabels: { a: "b" }, matchExpressions: [] } },
          },
        }),
        listener({ name: "udp", protocol: "UDP" }),
      ],
    }),
    "192.0.2.9",
  ),
  listenerSet("default/set", {
    parentRef: { name: "web", namespace: "default", kind: "Gateway" },
    listeners: [listener({ port: 81 })],
  }),
  tcpRoute("default/t", {
    parentRefs: [{ name: "web", sectionName: "tcp", port: 80, namespace: "default" }],
  }),
  udpRoute("default/u", {
    backendRefs: [{ name: "echo", namespace: "far", port: 80, weight: 3, kind: "Service", group: "" }],
  }),
  ...backend("default/echo", "10.0.0.1"),
  referenceGrant("far/grant", "default"),
  namespace("default", { a: "b" }),
];

/** Fields without which an API server or a schema lets no object through. */
const REQUIRED =
  /^(apiVersion|kind|metadata(\..*)?|spec)$|\.(name|gatewayClassName|parentRef|listeners|controllerName|protocol|kind)$|\.\d+$/;

/** Every optional field of a value, by its path, with what removes it. */
function* optionalFields(
  value: unknown,
  path: readonly string[] = [],
): Generator<[string, <T>(root: T) => T]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, field] of Object.entries(value)) {
    const here = [...path, key];
    if (!REQUIRED.test(here.join("."))) {
      yield [here.join("."), (root) => {
        const copy = structuredClone(root);
        // deno-lint-ignore no-explicit-any -- a path into objects of any kind
        delete path.reduce((at: any, step) => at[step], copy)[key];
        return copy;
      }];
    }
    yield* optionalFields(field, here);
  }
}

Deno.test("translate() does without every optional field", () => {
  let count = 0;
  for (const [index, object] of FULL.entries()) {
    for (const [path, without] of optionalFields(object)) {
      const objects = FULL.with(index, without(object));
      try {
        translate(snapshotOf(...objects));
      } catch (error) {
        throw new Error(`${object.kind} without ${path}`, { cause: error });
      }
      count++;
    }
  }
  assert(count > 50, `${count} fields`);
});

Deno.test("translate() takes an object without spec as absent", () => {
  for (const [index, object] of FULL.entries()) {
    const { spec: _, ...bare } = object as KubernetesObject & { spec?: unknown };
    translate(snapshotOf(...FULL.with(index, bare)));
  }
});

Deno.test("translate() follows a node whose address changes, and leaves out this node's own", () => {
  const placed = (nodeName: string): KubernetesObject =>
    endpointSlice("default/echo", { endpoints: [{ addresses: ["10.0.0.1"], nodeName }] });
  const nodesOf = (...more: KubernetesObject[]): (string | undefined)[] =>
    translated(
      [gatewayClass(), gateway("default/web"), tcpRoute("default/echo"), service("default/echo"), ...more],
      { node: "here" },
    ).dataplane.services.flatMap(({ groups }) => groups.flatMap(({ endpoints }) => endpoints))
      .map(({ node }) => node);
  assertEquals(nodesOf(placed("there"), node("there", "10.9.0.2")), ["10.9.0.2"]);
  assertEquals(nodesOf(placed("there"), node("there", "10.9.0.3")), ["10.9.0.3"]);
  assertEquals(nodesOf(placed("there")), [undefined]);
  assertEquals(nodesOf(placed("here"), node("here", "10.9.0.1")), [undefined]);
});

Deno.test("translate() has a Gateway's address that is a node's own served by that node alone", () => {
  const objects = (type: string): KubernetesObject[] => [
    gatewayClass(),
    gateway("default/web", { addresses: [{ value: "192.0.2.1" }, { value: "192.0.2.9" }] }),
    node("here", "10.9.0.1"),
    { ...node("there"), status: { addresses: [{ type, address: "192.0.2.1" }] } } as KubernetesObject,
  ];
  const served = (type: string, name?: string): string[] => {
    const translation = translated(objects(type), name === undefined ? {} : { node: name });
    const { conditions, addresses } = statusOf(translation, "Gateway", "default/web");
    // All control planes say the same of it, whichever of them writes.
    assertEquals([verdict(conditions, "Programmed"), addresses.length], ["True Programmed", 2]);
    return translation.dataplane.services.map(({ address, remoteBackends }) =>
      `${address} ${remoteBackends ?? "Direct"}`
    );
  };
  const everywhere = ["192.0.2.1 Direct", "192.0.2.9 Direct"];
  for (const type of ["InternalIP", "ExternalIP"]) {
    assertEquals(served(type, "here"), ["192.0.2.9 Direct"]);
    // Pods on other nodes are reached by SNAT, for nobody there answers from that address.
    assertEquals(served(type, "there"), ["192.0.2.1 SNAT", "192.0.2.9 Direct"]);
  }
  assertEquals(served("Hostname", "here"), everywhere);
  assertEquals(served("InternalIP"), everywhere);
});

Deno.test("translate() leaves nodes' addresses out of pools, and notices when a node has one", () => {
  const config = gatewayClassConfig({ addressPools: [{ start: "192.0.2.1", end: "192.0.2.2" }] });
  const classed = gatewayClassWithConfig();
  const web = gateway("default/web", { addresses: [] });
  const addressOf = (...more: KubernetesObject[]): string =>
    statusOf(translated([classed, config, ...more]), "Gateway", "default/web").addresses[0].value;
  const first = addressOf(web);
  const second = addressOf(withAddresses(web, first), node("n1", first));
  assertEquals([first, second].sort(), ["192.0.2.1", "192.0.2.2"]);
});
