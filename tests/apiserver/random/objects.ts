// SPDX-License-Identifier: Apache-2.0

// All objects of an API server as they are, without a control plane between.

import type { Condition, KubernetesObject } from "../../../controlplane/api/object.ts";
import { type Kind, KINDS, objectKey, type Snapshot } from "../../../controlplane/api/snapshot.ts";
import type { ApiClient } from "../../../controlplane/source/apiserver/api_client.ts";
import { ApiError } from "../../../controlplane/source/apiserver/api_error.ts";
import { collectionPath, objectPath } from "../../../controlplane/source/apiserver/resource_path.ts";
import { KIND_NAMES } from "../../../controlplane/store/store.ts";
import { NAMESPACES, type Step } from "./steps.ts";

/** An object with whatever status it has. */
export type Found = KubernetesObject & { readonly status?: Readonly<Record<string, unknown>> };

/** Kinds whose objects the steps make; all but Namespaces go between two sequences. */
const MADE: readonly Kind[] = [
  "TCPRoute",
  "UDPRoute",
  "ListenerSet",
  "Gateway",
  "GatewayClass",
  "ReferenceGrant",
  "EndpointSlice",
  "Service",
  "GatewayClassConfig",
];

/** Does a step; false when the API server refuses the object, or there is nothing to delete. */
export async function perform(client: ApiClient, step: Step, signal: AbortSignal): Promise<boolean> {
  try {
    if (step.verb === "delete") {
      const path = objectPath(step.kind, step.namespace, step.name);
      await client.json({ method: "DELETE", path }, signal);
      return true;
    }
    const { object } = step;
    const { namespace, name } = object.metadata;
    await client.json({
      method: "PATCH",
      path: objectPath(object.kind as Kind, namespace, name),
      query: { fieldManager: "random", force: "true" },
      contentType: "application/apply-patch+yaml",
      body: object,
    }, signal);
    return true;
  } catch (error) {
    if (error instanceof ApiError && [404, 422].includes(error.code)) return false;
    throw error;
  }
}

/** All objects now, those of namespaces that are not the test's left out. */
export async function listAll(client: ApiClient, signal: AbortSignal): Promise<Map<Kind, Found[]>> {
  const all = new Map<Kind, Found[]>();
  for (const kind of KIND_NAMES) {
    const { apiVersion } = KINDS[kind];
    const { items } = await client.json<{ items: Found[] | null }>({ path: collectionPath(kind) }, signal)
      .catch((error) => {
        if (error instanceof ApiError && error.code === 404) return { items: [] };
        throw error;
      });
    const ours = (items ?? []).filter(({ metadata: { namespace } }) =>
      namespace === undefined || (NAMESPACES as readonly string[]).includes(namespace)
    );
    all.set(kind, ours.map((item) => ({ ...item, apiVersion, kind })));
  }
  return all;
}

/** What tells one state from another: every object's version. */
export function versionsOf(all: ReadonlyMap<Kind, readonly Found[]>): string {
  return [...all].flatMap(([kind, objects]) =>
    objects.map((object) => `${kind} ${objectKey(object)} ${object.metadata.resourceVersion}`)
  ).join("\n");
}

/** The same objects as if nobody had ever written a status, but for the addresses that Gateways hold and keep. */
export function withoutStatuses(all: ReadonlyMap<Kind, readonly Found[]>): Snapshot {
  const strip = ({ status, ...object }: Found): Found => {
    const addresses = status?.["addresses"];
    return addresses === undefined ? object : { ...object, status: { addresses } };
  };
  return Object.fromEntries(
    KIND_NAMES.map((kind) => [
      kind,
      new Map((all.get(kind) ?? []).map((object) => [objectKey(object), strip(object)])),
    ]),
  ) as unknown as Snapshot;
}

/** A status as it can be compared: conditions by type, without times; other fields as they are. */
export function comparable(status: unknown): unknown {
  return JSON.parse(JSON.stringify(status ?? {}), (key, value) => {
    if (key !== "conditions" || !Array.isArray(value)) return value;
    return Object.fromEntries(
      (value as Condition[]).map(({ lastTransitionTime: _, type, ...rest }) => [type, rest]).sort(),
    );
  });
}

/** Deletes what steps have made, and what was made for that. */
export async function deleteAll(client: ApiClient, signal: AbortSignal): Promise<void> {
  const all = await listAll(client, signal);
  for (const kind of MADE) {
    for (const { metadata: { namespace, name } } of all.get(kind) ?? []) {
      await perform(client, { verb: "delete", kind, name, ...(namespace && { namespace }) }, signal);
    }
  }
}
