// SPDX-License-Identifier: Apache-2.0

import { type Kind, KINDS } from "../../api/snapshot.ts";

/** Path of all objects of a kind in all namespaces: "/apis/gateway.networking.k8s.io/v1/gateways". */
export function collectionPath(kind: Kind): string {
  const { apiVersion, plural } = KINDS[kind];
  return `${groupPath(apiVersion)}/${plural}`;
}

/** Path of one object. */
export function objectPath(kind: Kind, namespace: string | undefined, name: string): string {
  const { apiVersion, plural } = KINDS[kind];
  const place = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${groupPath(apiVersion)}${place}/${plural}/${name}`;
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
