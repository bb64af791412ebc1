// SPDX-License-Identifier: Apache-2.0

import { type Kind, KINDS } from "../../api/snapshot.ts";

/** The kinds that are read: those of the store, and Leases, which change too often for it. */
export type ResourceKind = Kind | "Lease";

const RESOURCES: Readonly<Record<ResourceKind, { readonly apiVersion: string; readonly plural: string }>> = {
  ...KINDS,
  Lease: { apiVersion: "coordination.k8s.io/v1", plural: "leases" },
};

/** apiVersion of a kind's objects. */
export function apiVersionOf(kind: ResourceKind): string {
  return RESOURCES[kind].apiVersion;
}

/** Path of all objects of a kind, in all namespaces or one: "/apis/gateway.networking.k8s.io/v1/gateways". */
export function collectionPath(kind: ResourceKind, namespace?: string): string {
  const { apiVersion, plural } = RESOURCES[kind];
  const place = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${groupPath(apiVersion)}${place}/${plural}`;
}

/** Path of one object. */
export function objectPath(kind: ResourceKind, namespace: string | undefined, name: string): string {
  return `${collectionPath(kind, namespace)}/${name}`;
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
