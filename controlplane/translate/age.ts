// SPDX-License-Identifier: Apache-2.0

import type { ObjectMeta } from "../api/object.ts";

/** What an object's place in the order of age is decided by. */
export type Aged = Pick<ObjectMeta, "creationTimestamp" | "namespace" | "name">;

function compare<T>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An object without a readable creationTimestamp counts as the youngest. */
function created(object: Aged): number {
  const time = Date.parse(object.creationTimestamp ?? "");
  return Number.isNaN(time) ? Infinity : time;
}

/**
 * Oldest first, then alphabetically by "namespace/name": the Gateway API's order
 * for conflicts (guide "API design", section "Conflicts"; Listener.allowedRoutes).
 */
export function compareAge(a: Aged, b: Aged): number {
  return compare(created(a), created(b)) ||
    compare(`${a.namespace ?? ""}/${a.name}`, `${b.namespace ?? ""}/${b.name}`);
}

/** Orders strings by code unit, independently of any locale. */
export const compareText: (a: string, b: string) => number = compare;
