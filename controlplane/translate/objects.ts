// SPDX-License-Identifier: Apache-2.0

import { type EndpointSlice, SERVICE_NAME_LABEL } from "../api/endpoint_slice.ts";
import type { Gateway } from "../api/gateway.ts";
import type { GatewayClass } from "../api/gateway_class.ts";
import type { GatewayClassConfig } from "../api/gateway_class_config.ts";
import type { L4Route } from "../api/l4_route.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import type { Namespace } from "../api/namespace.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { ReferenceGrant } from "../api/reference_grant.ts";
import type { Service } from "../api/service.ts";
import type { Kind, ObjectKey, Snapshot } from "../api/snapshot.ts";
import { parentGateway } from "./listener_set.ts";
import { refText } from "./object_ref.ts";
import { parentOf } from "./parent_ref.ts";
import type { RouteKind } from "./route_kinds.ts";

/** The type of the objects of each kind. */
export interface ObjectTypes {
  GatewayClass: GatewayClass;
  Gateway: Gateway;
  ListenerSet: ListenerSet;
  TCPRoute: L4Route;
  UDPRoute: L4Route;
  ReferenceGrant: ReferenceGrant;
  Service: Service;
  EndpointSlice: EndpointSlice;
  Namespace: Namespace;
  GatewayClassConfig: GatewayClassConfig;
}

function groupBy<T>(
  items: Iterable<T>,
  groupsOf: (item: T) => readonly string[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const group of groupsOf(item)) {
      const members = groups.get(group);
      if (members === undefined) groups.set(group, [item]);
      else members.push(item);
    }
  }
  return groups;
}

function namespaceOf({ metadata }: KubernetesObject): string {
  return metadata.namespace ?? "";
}

/** A snapshot with the indexes that make the translation linear in the number of objects. */
export class Objects {
  readonly #snapshot: Snapshot;
  readonly #routes: ReadonlyMap<string, readonly L4Route[]>;
  readonly #listenerSets: ReadonlyMap<string, readonly ListenerSet[]>;
  readonly #slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  readonly #grants: ReadonlyMap<string, readonly ReferenceGrant[]>;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    const routes = [...this.all("TCPRoute"), ...this.all("UDPRoute")];
    this.#routes = groupBy(routes, (route) => {
      const parents = (route.spec.parentRefs ?? []).flatMap((ref) => parentOf(route, ref) ?? []);
      return [...new Set(parents.map(refText))];
    });
    this.#listenerSets = groupBy(this.all("ListenerSet"), (set) => {
      const gateway = parentGateway(set);
      return gateway === undefined ? [] : [gateway];
    });
    this.#slices = groupBy(this.all("EndpointSlice"), (slice) => {
      const service = slice.metadata.labels?.[SERVICE_NAME_LABEL];
      return service === undefined ? [] : [`${namespaceOf(slice)}/${service}`];
    });
    this.#grants = groupBy(this.all("ReferenceGrant"), (grant) => [namespaceOf(grant)]);
  }

  /** The object of that kind and key. */
  get<K extends Kind>(kind: K, key: ObjectKey): ObjectTypes[K] | undefined {
    // Sources check that an object has the shape of its kind before they store it.
    return this.#snapshot[kind].get(key) as ObjectTypes[K] | undefined;
  }

  /** The keys of all objects of a kind. */
  keys(kind: Kind): Iterable<ObjectKey> {
    return this.#snapshot[kind].keys();
  }

  /** All objects of a kind. */
  all<K extends Kind>(kind: K): Iterable<ObjectTypes[K]> {
    return this.#snapshot[kind].values() as Iterable<ObjectTypes[K]>;
  }

  /** The routes that name a Gateway or ListenerSet, by its refText, as a parent. */
  routesOf(parent: string): readonly L4Route[] {
    return this.#routes.get(parent) ?? [];
  }

  /** The ListenerSets that name a Gateway, by its key, as their parent. */
  listenerSetsOf(gateway: ObjectKey): readonly ListenerSet[] {
    return this.#listenerSets.get(gateway) ?? [];
  }

  service(namespace: string, name: string): Service | undefined {
    return this.get("Service", `${namespace}/${name}`);
  }

  endpointSlices(namespace: string, serviceName: string): readonly EndpointSlice[] {
    return this.#slices.get(`${namespace}/${serviceName}`) ?? [];
  }

  referenceGrants(namespace: string): readonly ReferenceGrant[] {
    return this.#grants.get(namespace) ?? [];
  }
}

/** The protocol of a route's kind. */
export function routeProtocol(route: L4Route): "TCP" | "UDP" {
  return (route.kind as RouteKind) === "UDPRoute" ? "UDP" : "TCP";
}
