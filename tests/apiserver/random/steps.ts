// SPDX-License-Identifier: Apache-2.0

// Random steps in a small world: few names, so that objects meet, and values of
// which many are right, some wrong, and some refused by the API server.

import fc from "fast-check";
import type { KubernetesObject } from "../../../controlplane/api/object.ts";
import { type Kind, KINDS } from "../../../controlplane/api/snapshot.ts";

/** An object as it is applied. */
export type Applied = KubernetesObject & { readonly spec?: unknown };

/** Creates or replaces an object, or deletes one that may not be there. */
export type Step =
  | { readonly verb: "apply"; readonly object: Applied }
  | { readonly verb: "delete"; readonly kind: Kind; readonly namespace?: string; readonly name: string };

/** Namespaces that are always there, since nothing in the test cluster would finish the deletion of one. */
export const NAMESPACES = ["left", "right"] as const;

const OURS = "gateway.networking.k8s.io/blixt";
const namespace = fc.constantFrom(...NAMESPACES);
const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Absent half of the time. */
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const names = {
  GatewayClass: oneOf("blixt", "other"),
  Gateway: oneOf("g0", "g1"),
  ListenerSet: oneOf("set"),
  TCPRoute: oneOf("t0", "t1"),
  UDPRoute: oneOf("u0"),
  ReferenceGrant: oneOf("grant"),
  Service: oneOf("s0", "s1"),
  EndpointSlice: oneOf("s0-x", "s1-x", "s1-y"),
  GatewayClassConfig: oneOf("default"),
} satisfies Partial<Record<Kind, fc.Arbitrary<string>>>;

type RandomKind = keyof typeof names;

const fromNamespaces = oneOf(
  { from: "Same" },
  { from: "All" },
  { from: "Selector", selector: { matchLabels: { env: "prod" } } },
);

const listener = fc.record({
  name: oneOf("a", "b", "c"),
  port: oneOf(80, 53, 81, 54),
  protocol: fc.oneof({ weight: 12, arbitrary: oneOf("TCP", "UDP") }, oneOf("HTTP")),
  allowedRoutes: maybe(fc.record({
    namespaces: maybe(fromNamespaces),
    kinds: maybe(oneOf([{ kind: "TCPRoute" }], [{ kind: "HTTPRoute" }, { kind: "UDPRoute" }])),
  })),
});
const listeners = fc.uniqueArray(listener, { minLength: 1, maxLength: 3, selector: ({ name }) => name });

const parentRef = fc.record({
  kind: maybe(oneOf("Gateway", "ListenerSet")),
  namespace: maybe(namespace),
  name: oneOf("g0", "g1", "set"),
  sectionName: maybe(oneOf("a", "b", "nowhere")),
  port: maybe(oneOf(80, 53)),
});

const backendRef = fc.record({
  kind: fc.oneof({ weight: 6, arbitrary: oneOf(undefined) }, oneOf("Bucket")),
  group: fc.oneof({ weight: 6, arbitrary: oneOf(undefined) }, oneOf("example.org")),
  namespace: maybe(namespace),
  name: oneOf("s0", "s1", "s2"),
  port: oneOf(80, 53, 81),
  weight: maybe(oneOf(0, 1, 5)),
});

const route = fc.record({
  parentRefs: fc.uniqueArray(parentRef, {
    minLength: 1,
    maxLength: 3,
    selector: (ref) => JSON.stringify(ref),
  }),
  rules: fc.tuple(fc.record({ backendRefs: fc.array(backendRef, { minLength: 1, maxLength: 3 }) })),
});

const specs: Record<Exclude<RandomKind, "EndpointSlice" | "GatewayClass">, fc.Arbitrary<unknown>> = {
  Gateway: fc.record({
    gatewayClassName: fc.oneof({ weight: 10, arbitrary: oneOf("blixt") }, oneOf("other", "absent")),
    addresses: fc.option(
      fc.oneof(
        fc.uniqueArray(
          oneOf("192.0.2.1", "192.0.2.2", "192.0.2.3", "127.0.0.1").map((value) => ({ value })),
          {
            minLength: 1,
            maxLength: 2,
            selector: ({ value }) => value,
          },
        ),
        oneOf<unknown>([{}], [{}, {}], [{ value: "192.0.2.2" }, {}]),
      ),
      { nil: undefined, freq: 6 },
    ),
    listeners,
    allowedListeners: maybe(fc.record({ namespaces: fromNamespaces })),
  }),
  ListenerSet: fc.record({
    parentRef: fc.record({ name: oneOf("g0", "g1"), namespace: maybe(namespace) }),
    listeners,
  }),
  TCPRoute: route,
  UDPRoute: route,
  ReferenceGrant: fc.record({
    from: fc.tuple(fc.record({
      group: oneOf("gateway.networking.k8s.io"),
      kind: oneOf("TCPRoute", "UDPRoute"),
      namespace,
    })),
    to: fc.tuple(fc.record({ group: oneOf(""), kind: oneOf("Service"), name: maybe(oneOf("s0", "s1")) })),
  }),
  Service: fc.record({
    ports: oneOf(
      [{ name: "web", port: 80, protocol: "TCP" }],
      [{ name: "dns", port: 53, protocol: "UDP" }],
      [{ name: "web", port: 80, protocol: "TCP" }, { name: "dns", port: 53, protocol: "UDP" }],
    ),
    sessionAffinity: oneOf("None", "ClientIP"),
  }),
  // Fewer addresses than Gateways may want, and of changing families.
  GatewayClassConfig: fc.record({
    addressPools: oneOf<unknown>(
      [{ cidr: "192.0.2.0/30" }],
      [{ start: "192.0.2.2", end: "192.0.2.5" }, { cidr: "2001:db8::/127" }],
      [{ cidr: "2001:db8::/126" }],
      [{ start: "192.0.2.9", end: "192.0.2.1" }],
    ),
    staticAddresses: fc.option(oneOf([{ cidr: "192.0.2.0/31" }]), { nil: undefined, freq: 2 }),
  }),
};

const endpoint = fc.record({
  addresses: oneOf("10.0.0.1", "10.0.0.2", "10.0.0.3").map((address) => [address]),
  conditions: oneOf({ ready: true }, { ready: false }, { ready: false, serving: true, terminating: true }),
});

/** The rest of an object beside its metadata. */
function body(kind: RandomKind, name: string): fc.Arbitrary<Record<string, unknown>> {
  if (kind === "GatewayClass") {
    const parametersRef = fc.oneof(
      { weight: 12, arbitrary: oneOf(undefined) },
      oneOf({ group: "example.org", kind: "Unknown", name: "x" }),
    );
    const controllerName = name === "blixt" ? OURS : "example.org/other";
    return fc.record({ spec: fc.record({ controllerName: oneOf(controllerName), parametersRef }) });
  }
  if (kind === "EndpointSlice") {
    return fc.record({
      addressType: oneOf("IPv4"),
      ports: oneOf([{ name: "web", port: 8080 }, { name: "dns", port: 5353, protocol: "UDP" }]),
      endpoints: fc.uniqueArray(endpoint, { maxLength: 3, selector: ({ addresses }) => addresses[0] }),
    });
  }
  return fc.record({ spec: specs[kind] });
}

/** The object without the fields that are undefined, as JSON drops them. */
function applied(kind: Kind, metadata: KubernetesObject["metadata"], rest: object): Applied {
  return JSON.parse(JSON.stringify({ apiVersion: KINDS[kind].apiVersion, kind, metadata, ...rest }));
}

function metadataOf(kind: Kind, namespace: string, name: string): KubernetesObject["metadata"] {
  const labels = kind === "EndpointSlice"
    ? { "kubernetes.io/service-name": name.slice(0, name.indexOf("-")) }
    : undefined;
  return { name, ...(KINDS[kind].namespaced && { namespace }), ...(labels && { labels }) };
}

const place = (kind: RandomKind): fc.Arbitrary<[string, string]> => fc.tuple(namespace, names[kind]);

const apply = (kind: RandomKind): fc.Arbitrary<Step> =>
  place(kind).chain(([namespace, name]) =>
    body(kind, name).map((rest) => ({
      verb: "apply",
      object: applied(kind, metadataOf(kind, namespace, name), rest),
    }))
  );

const remove = (kind: RandomKind): fc.Arbitrary<Step> =>
  place(kind).map(([namespace, name]) => ({
    verb: "delete",
    kind,
    name,
    ...(KINDS[kind].namespaced && { namespace }),
  }));

/** A namespace gets another label, by which allowedRoutes may select it. */
export const labelNamespace: fc.Arbitrary<Step> = fc.tuple(namespace, oneOf("prod", "test")).map((
  [name, env],
) => ({
  verb: "apply",
  object: applied("Namespace", { name, labels: { env } }, {}),
}));

const kinds = Object.keys(names) as RandomKind[];

/** What most of a status depends on. */
const BUSY: ReadonlySet<RandomKind> = new Set<RandomKind>(["Gateway", "ListenerSet", "TCPRoute", "UDPRoute"]);

/** One step. Three of four make or change an object. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: labelNamespace },
  ...kinds.map((kind) => ({ weight: BUSY.has(kind) ? 8 : 4, arbitrary: apply(kind) })),
  ...kinds.map((kind) => ({ weight: kind === "GatewayClass" ? 1 : 2, arbitrary: remove(kind) })),
);

/** That many steps, always the same for a seed; the class comes first, as nothing is Blixt's without it. */
export function stepsOf(seed: number, length: number): readonly Step[] {
  const [ours] = fc.sample(
    apply("GatewayClass").filter((one) => one.verb === "apply" && one.object.metadata.name === "blixt"),
    { seed, numRuns: 1 },
  );
  return [ours!, ...fc.sample(step, { seed, numRuns: length - 1 })];
}
