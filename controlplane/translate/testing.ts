// SPDX-License-Identifier: Apache-2.0

// Builders of objects for tests: each gives a valid object, and takes what the
// test is about.

import type { EndpointPort, EndpointSlice, SliceEndpoint } from "../api/endpoint_slice.ts";
import type { Gateway, Listener } from "../api/gateway.ts";
import { CONTROLLER_NAME, type GatewayClass } from "../api/gateway_class.ts";
import type { GatewayClassConfig } from "../api/gateway_class_config.ts";
import type { BackendReference, L4Route, ParentReference } from "../api/l4_route.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import type { Namespace } from "../api/namespace.ts";
import type { Node } from "../api/node.ts";
import type { Condition, KubernetesObject, ObjectMeta } from "../api/object.ts";
import type { ReferenceGrant } from "../api/reference_grant.ts";
import type { Service } from "../api/service.ts";
import {
  emptySnapshot,
  type Kind,
  KINDS,
  type ObjectKey,
  objectKey,
  type Snapshot,
} from "../api/snapshot.ts";
import type { TranslateOptions } from "./options.ts";
import type { DesiredService } from "./desired.ts";
import { translate } from "./translate.ts";
import type { Translation } from "./translation.ts";

/** metadata of an object "namespace/name" of generation 1, or of "name". */
function meta(key: ObjectKey, more: Partial<ObjectMeta> = {}): ObjectMeta {
  const slash = key.indexOf("/");
  const own = slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
  return { ...own, generation: 1, ...more };
}

function object<K extends Kind>(kind: K, key: ObjectKey, more: Partial<ObjectMeta> = {}): KubernetesObject {
  return { apiVersion: KINDS[kind].apiVersion, kind, metadata: meta(key, more) };
}

/** The time that many seconds after the start of 2026, as a creationTimestamp. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString().replace(".000", "");
}

/** A GatewayClass of Blixt, named blixt unless told otherwise. */
export function gatewayClass(spec: Partial<GatewayClass["spec"]> = {}, name = "blixt"): GatewayClass {
  return { ...object("GatewayClass", name), spec: { controllerName: CONTROLLER_NAME, ...spec } };
}

/** A GatewayClass that takes its parameters from the GatewayClassConfig of that name. */
export function gatewayClassWithConfig(config = "pool"): GatewayClass {
  return gatewayClass({
    parametersRef: { group: "blixt.x-k8s.io", kind: "GatewayClassConfig", name: config },
  });
}

/** A GatewayClassConfig, named pool unless told otherwise. */
export function gatewayClassConfig(
  spec: NonNullable<GatewayClassConfig["spec"]>,
  name = "pool",
): GatewayClassConfig {
  return { ...object("GatewayClassConfig", name), spec };
}

/** A TCP listener named tcp on port 80 unless told otherwise. */
export function listener(more: Partial<Listener> = {}): Listener {
  return { name: "tcp", port: 80, protocol: "TCP", ...more };
}

/** A Gateway of class blixt with one TCP listener on port 80 and the static address 192.0.2.1. */
export function gateway(
  key: ObjectKey,
  spec: Partial<Gateway["spec"]> = {},
  more: Partial<ObjectMeta> = {},
): Gateway {
  return {
    ...object("Gateway", key, more),
    spec: {
      gatewayClassName: "blixt",
      listeners: [listener()],
      addresses: [{ value: "192.0.2.1" }],
      ...spec,
    },
  };
}

/** The Gateway with those addresses in its status. */
export function withAddresses(gateway: Gateway, ...values: string[]): Gateway {
  return { ...gateway, status: { addresses: values.map((value) => ({ type: "IPAddress", value })) } };
}

/** A ListenerSet for Gateway web of its namespace. */
export function listenerSet(
  key: ObjectKey,
  spec: Partial<ListenerSet["spec"]> = {},
  more: Partial<ObjectMeta> = {},
): ListenerSet {
  return {
    ...object("ListenerSet", key, more),
    spec: { parentRef: { name: "web" }, listeners: [listener()], ...spec },
  };
}

/** What a route of a test is about. */
export interface RouteSpec {
  /** Gateway web of the route's namespace when absent. */
  readonly parentRefs?: readonly ParentReference[];
  /** Port 80 of Service echo when absent. */
  readonly backendRefs?: readonly BackendReference[];
}

function route(
  kind: "TCPRoute" | "UDPRoute",
  key: ObjectKey,
  spec: RouteSpec,
  more: Partial<ObjectMeta>,
): L4Route {
  const { parentRefs = [{ name: "web" }], backendRefs = [{ name: "echo", port: 80 }] } = spec;
  return { ...object(kind, key, more), spec: { parentRefs, rules: [{ backendRefs }] } };
}

/** A TCPRoute from Gateway web to port 80 of Service echo. */
export function tcpRoute(key: ObjectKey, spec: RouteSpec = {}, more: Partial<ObjectMeta> = {}): L4Route {
  return route("TCPRoute", key, spec, more);
}

/** A UDPRoute from Gateway web to port 80 of Service echo. */
export function udpRoute(key: ObjectKey, spec: RouteSpec = {}, more: Partial<ObjectMeta> = {}): L4Route {
  return route("UDPRoute", key, spec, more);
}

/** A Service with TCP port 80. */
export function service(key: ObjectKey, spec: NonNullable<Service["spec"]> = {}): Service {
  return { ...object("Service", key), spec: { ports: [{ port: 80 }], ...spec } };
}

/** What an EndpointSlice of a test is about. */
export interface SliceSpec {
  readonly addressType?: string;
  /** TCP port 8080 without a name when absent. */
  readonly ports?: readonly EndpointPort[];
  /** Addresses of ready endpoints, or endpoints. */
  readonly endpoints?: readonly (string | SliceEndpoint)[];
}

/** An EndpointSlice of the Service of that key; its own name ends in the suffix. */
export function endpointSlice(service: ObjectKey, spec: SliceSpec = {}, suffix = "a"): EndpointSlice {
  const { addressType = "IPv4", ports = [{ port: 8080, protocol: "TCP" }], endpoints = ["10.0.0.1"] } = spec;
  const name = service.slice(service.indexOf("/") + 1);
  return {
    ...object("EndpointSlice", `${service}-${suffix}`, { labels: { "kubernetes.io/service-name": name } }),
    addressType,
    ports,
    endpoints: endpoints.map((endpoint) =>
      typeof endpoint === "string" ? { addresses: [endpoint], conditions: { ready: true } } : endpoint
    ),
  };
}

/** A Service of that key with TCP port 80, and its EndpointSlice with TCP port 8080. */
export function backend(key: ObjectKey, ...addresses: string[]): [Service, EndpointSlice] {
  return [service(key), endpointSlice(key, { endpoints: addresses })];
}

/** A ReferenceGrant that lets TCPRoutes of a namespace refer to Services of its own. */
export function referenceGrant(
  key: ObjectKey,
  fromNamespace: string,
  spec: Partial<ReferenceGrant["spec"]> = {},
): ReferenceGrant {
  return {
    ...object("ReferenceGrant", key),
    spec: {
      from: [{ group: "gateway.networking.k8s.io", kind: "TCPRoute", namespace: fromNamespace }],
      to: [{ group: "", kind: "Service" }],
      ...spec,
    },
  };
}

/** A Namespace with those labels. */
export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Namespace {
  return object("Namespace", name, { labels });
}

/** A Node that other nodes reach at those addresses. */
export function node(name: string, ...addresses: string[]): Node {
  return {
    ...object("Node", name),
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  };
}

/** A snapshot of those objects, in that order. */
export function snapshotOf(...objects: readonly KubernetesObject[]): Snapshot {
  const snapshot = emptySnapshot();
  for (const each of objects) {
    (snapshot[each.kind as Kind] as Map<ObjectKey, KubernetesObject>).set(objectKey(each), each);
  }
  return snapshot;
}

/** The translation of those objects. */
export function translated(
  objects: readonly KubernetesObject[],
  options: TranslateOptions = {},
): Translation {
  return translate(snapshotOf(...objects), options);
}

/** The status of one object in a translation, or undefined when it has none. */
// deno-lint-ignore no-explicit-any -- tests look into statuses of every kind
export function statusOf(translation: Translation, kind: Kind, key: ObjectKey): any {
  return translation.statuses.find((status) => status.kind === kind && status.key === key)?.status;
}

/** "True Accepted": status and reason of the condition of that type. */
export function verdict(conditions: readonly Condition[] | undefined, type: string): string | undefined {
  const found = conditions?.find((condition) => condition.type === type);
  return found && `${found.status} ${found.reason}`;
}

/** The services of a translation, each in a line: "192.0.2.1 TCP 80 -> 1*10.0.0.1:8080+10.0.0.2:8080,9*refused". */
export function routes(translation: Translation): string[] {
  return translation.dataplane.services.map(describeService);
}

function describeService({ address, protocol, port, groups }: DesiredService): string {
  const targets = groups.map(({ weight, endpoints }) => {
    const list = endpoints.map((each) => `${each.address}:${each.port}${each.draining ? "(draining)" : ""}`);
    return `${weight}*${list.join("+") || "refused"}`;
  });
  return `${address} ${protocol} ${port} -> ${targets.join(",") || "refused"}`;
}
