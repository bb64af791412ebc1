// SPDX-License-Identifier: Apache-2.0

// Arbitrary objects for property tests, from few names, addresses and ports, so
// that they meet.

import fc from "fast-check";
import type { Gateway, Listener } from "../api/gateway.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Kind, ObjectKey, Snapshot } from "../api/snapshot.ts";
import {
  at,
  endpointSlice,
  gateway,
  gatewayClass,
  gatewayClassConfig,
  gatewayClassWithConfig,
  listenerSet,
  namespace,
  node,
  referenceGrant,
  service,
  tcpRoute,
  udpRoute,
  withAddresses,
} from "./testing.ts";

/** An object put in place of another, or removed. */
export interface Edit {
  readonly kind: Kind;
  readonly key: ObjectKey;
  readonly object: KubernetesObject | undefined;
}

const namespaceName = fc.constantFrom("default", "blue");
const gatewayName = fc.constantFrom("web", "alt", "third");
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const keyOf = (name: fc.Arbitrary<string>): fc.Arbitrary<ObjectKey> =>
  fc.tuple(namespaceName, name).map(([namespace, name]) => `${namespace}/${name}`);
/** Three ages, so that names decide, too. */
const aged = fc.nat(2).map((age) => ({ creationTimestamp: at(age) }));
const address = fc.constantFrom("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "198.51.100.1");

/** An object with those of the fields that have a value. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

const fromNamespaces = fc.constantFrom(
  { from: "All" },
  { from: "Same" },
  { from: "None" },
  { from: "Selector", selector: { matchLabels: { team: "blue" } } },
);

const listeners: fc.Arbitrary<Listener[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("a", "b", "c"),
    port: fc.constantFrom(80, 81),
    protocol: fc.constantFrom("TCP", "TCP", "UDP", "TLS"),
    allowedRoutes: maybe(
      fc.record({
        namespaces: maybe(fromNamespaces),
        kinds: maybe(
          fc.array(fc.record({ kind: fc.constantFrom("TCPRoute", "UDPRoute", "Odd") }), { maxLength: 2 }),
        ),
      }).map(defined),
    ),
  }).map(defined) as fc.Arbitrary<Listener>,
  { selector: ({ name }) => name, maxLength: 3 },
);

const gateways: fc.Arbitrary<Gateway> = fc.tuple(
  keyOf(gatewayName),
  fc.record({
    gatewayClassName: fc.constantFrom("blixt", "blixt", "other"),
    listeners,
    addresses: fc.array(fc.oneof(address.map((value) => ({ value })), fc.constant({})), { maxLength: 2 }),
    allowedListeners: fromNamespaces.map((namespaces) => ({ namespaces })),
  }),
  aged,
  fc.array(address, { maxLength: 2 }),
).map(([key, spec, meta, held]) => withAddresses(gateway(key, spec, meta), ...held));

const range = fc.constantFrom(
  { cidr: "192.0.2.0/30" },
  { cidr: "2001:db8::/127" },
  { start: "192.0.2.1", end: "192.0.2.1" },
  { cidr: "nonsense" },
);

const classes = fc.constantFrom(
  gatewayClass(),
  gatewayClassWithConfig(),
  gatewayClass({ controllerName: "example.com/other" }, "other"),
  gatewayClass({}, "other"),
);

const configs = fc.record({
  addressPools: fc.array(range, { maxLength: 2 }),
  staticAddresses: maybe(fc.array(range)),
})
  .map((spec) => gatewayClassConfig(defined(spec)));

const parentRef = fc.record({
  kind: maybe(fc.constantFrom("Gateway", "ListenerSet")),
  namespace: maybe(namespaceName),
  name: fc.constantFrom("web", "alt", "set"),
  sectionName: maybe(fc.constantFrom("a", "b")),
  port: maybe(fc.constantFrom(80, 81)),
}).map(defined);

const backendRef = fc.record({
  kind: maybe(fc.constantFrom("Service", "Pod")),
  namespace: maybe(namespaceName),
  name: fc.constantFrom("echo", "dns"),
  port: fc.constantFrom(80, 53),
  weight: maybe(fc.nat(3)),
}).map(defined);

const routeParts = fc.tuple(
  keyOf(fc.constantFrom("r", "s", "t")),
  fc.record({
    parentRefs: fc.array(parentRef as fc.Arbitrary<{ name: string }>, { maxLength: 3 }),
    backendRefs: fc.array(backendRef as fc.Arbitrary<{ name: string }>, { maxLength: 2 }),
  }),
  aged,
);

const services = fc.tuple(
  keyOf(fc.constantFrom("echo", "dns")),
  fc.constantFrom("TCP", "UDP"),
  fc.constantFrom("ClientIP", "None"),
).map(([key, protocol, sessionAffinity]) =>
  service(key, { sessionAffinity, ports: [{ name: "main", port: 80 }, { name: "dns", port: 53, protocol }] })
);

const nodeName = fc.constantFrom("here", "there");

const endpoint = fc.record({
  nodeName: fc.option(nodeName),
  addresses: fc.constantFrom("10.0.0.1", "10.0.0.2", "fd00::1").map((one) => [one]),
  conditions: fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }),
});

const slices = fc.tuple(
  keyOf(fc.constantFrom("echo", "dns")),
  fc.record({
    addressType: fc.constantFrom("IPv4", "IPv6"),
    ports: fc.subarray([{ name: "main", port: 8080 }, { name: "dns", port: 1053, protocol: "UDP" }]),
    endpoints: fc.array(endpoint, { maxLength: 3 }),
  }),
  fc.constantFrom("a", "b"),
).map(([key, spec, suffix]) => endpointSlice(key, spec, suffix));

const grants = fc.tuple(keyOf(fc.constantFrom("grant")), namespaceName, maybe(fc.constantFrom("echo", "dns")))
  .map(([key, from, name]) =>
    referenceGrant(key, from, { to: [defined({ group: "", kind: "Service", name })] })
  );

/** Any object of a kind that the translation reads. */
export const anyObject: fc.Arbitrary<KubernetesObject> = fc.oneof(
  { arbitrary: gateways as fc.Arbitrary<KubernetesObject>, weight: 4 },
  fc.tuple(
    keyOf(fc.constantFrom("set", "more")),
    fc.record({ parentRef: fc.record({ name: gatewayName, namespace: namespaceName }), listeners }),
    aged,
  ).map(([key, spec, meta]) => listenerSet(key, spec, meta)),
  routeParts.map(([key, spec, meta]) => tcpRoute(key, spec, meta)),
  routeParts.map(([key, spec, meta]) => udpRoute(key, spec, meta)),
  classes,
  configs,
  services,
  slices,
  grants,
  fc.tuple(nodeName, fc.subarray(["10.9.0.1", "10.9.0.2", "fd00:9::1", "192.0.2.1", "2001:db8::1"]))
    .map(([name, addresses]) => node(name, ...addresses)),
  fc.tuple(namespaceName, fc.constantFrom("blue", "red")).map(([name, team]) => namespace(name, { team })),
);

/** Some objects, with a class most of the time. */
export const anyObjects: fc.Arbitrary<KubernetesObject[]> = fc.array(anyObject, { maxLength: 40 })
  .map((objects) => [gatewayClassWithConfig(), ...objects]);

/** An object that comes, changes or goes. */
export const anyEdit: fc.Arbitrary<Edit> = fc.tuple(anyObject, fc.nat(3)).map(([object, chance]) => {
  const { namespace, name } = object.metadata;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  return { kind: object.kind as Kind, key, object: chance === 0 ? undefined : object };
});

/** The snapshot after some edits. Kinds without any keep their map. */
export function edited(snapshot: Snapshot, edits: readonly Edit[]): Snapshot {
  const maps: Partial<Record<Kind, Map<ObjectKey, KubernetesObject>>> = {};
  for (const { kind, key, object } of edits) {
    const map = maps[kind] ??= new Map(snapshot[kind]);
    if (object === undefined) map.delete(key);
    else map.set(key, object);
  }
  return { ...snapshot, ...maps };
}
