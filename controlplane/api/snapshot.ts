// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** The kinds that Blixt watches, each with its API group and version. */
export const KINDS = {
  GatewayClass: { apiVersion: "gateway.networking.k8s.io/v1", plural: "gatewayclasses", namespaced: false },
  Gateway: { apiVersion: "gateway.networking.k8s.io/v1", plural: "gateways", namespaced: true },
  ListenerSet: { apiVersion: "gateway.networking.k8s.io/v1", plural: "listenersets", namespaced: true },
  TCPRoute: { apiVersion: "gateway.networking.k8s.io/v1", plural: "tcproutes", namespaced: true },
  UDPRoute: { apiVersion: "gateway.networking.k8s.io/v1", plural: "udproutes", namespaced: true },
  ReferenceGrant: { apiVersion: "gateway.networking.k8s.io/v1", plural: "referencegrants", namespaced: true },
  Service: { apiVersion: "v1", plural: "services", namespaced: true },
  EndpointSlice: { apiVersion: "discovery.k8s.io/v1", plural: "endpointslices", namespaced: true },
  Namespace: { apiVersion: "v1", plural: "namespaces", namespaced: false },
  Node: { apiVersion: "v1", plural: "nodes", namespaced: false },
  GatewayClassConfig: {
    apiVersion: "blixt.x-k8s.io/v1alpha1",
    plural: "gatewayclassconfigs",
    namespaced: false,
  },
} as const;

/** Kinds whose CRD a cluster may lack; then there are no objects of them. */
export const OPTIONAL_KINDS: ReadonlySet<Kind> = new Set<Kind>(["GatewayClassConfig"]);

/** Name of a watched kind. */
export type Kind = keyof typeof KINDS;

/** "namespace/name", or "name" for a cluster-scoped object. */
export type ObjectKey = string;

/** The key of an object within its kind. */
export function objectKey(object: KubernetesObject): ObjectKey {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/**
 * All watched objects at one moment. Neither objects nor maps are ever changed
 * in place: a changed object is a new one, in a new map, so identity tells whether
 * something changed. A kind in which nothing changed keeps its map.
 */
export type Snapshot = {
  readonly [K in Kind]: ReadonlyMap<ObjectKey, KubernetesObject>;
};

/** A snapshot without objects. */
export function emptySnapshot(): Snapshot {
  const kinds = Object.keys(KINDS) as Kind[];
  return Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as unknown as Snapshot;
}
