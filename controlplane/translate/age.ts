// SPDX-License-Identifier: Apache-2.0

import type { ObjectMeta } from "../api/object.ts";

/** What an object's place in the order of age is decided by. */
export type Aged = Pick<ObjectMeta, "creationTimestamp" | "namespace" | "name">;

/** What the order of age needs of an object, without all that changes more often. */
export function agedOf({ name, namespace, creationTimestamp }: ObjectMeta): Aged {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
  };
}

/** Orders strings by code unit, independently of any locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Milliseconds since 1970. An object without a readable creationTimestamp counts as the youngest. */
function created(object: Aged): number {
  const time = Date.parse(object.creationTimestamp ?? "");
  return Number.isNaN(time) ? Infinity : time;
}

/**
 * A copy in the Gateway API's order for conflicts: oldest first, then
 * alphabetically by "namespace/name" (guide "API design", section "Conflicts";
 * Listener.allowedRoutes).
 */
export function sortByAge<T>(items: readonly T[], aged: (item: T) => Aged): T[] {
  return items
    .map((item) => {
      const meta = aged(item);
      return { item, time: created(meta), name: `${meta.namespace ?? ""}/${meta.name}` };
    })
    .sort((a, b) => (a.time === b.time ? compareText(a.name, b.name) : a.time < b.time ? -1 : 1))
    .map(({ item }) => item);
}
