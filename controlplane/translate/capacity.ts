// SPDX-License-Identifier: Apache-2.0

import { type Aged, sortByAge } from "./age.ts";

/** A Gateway with the number of services it needs. */
export interface CapacityRequest extends Aged {
  readonly services: number;
}

/**
 * The Gateways for which there is no room, as indexes of the requests. The older
 * go first; one that does not fit gets nothing, and leaves room for smaller ones.
 */
export function overCapacity(requests: readonly CapacityRequest[], limit: number): ReadonlySet<number> {
  const over = new Set<number>();
  let used = 0;
  const numbered = requests.map((request, index) => ({ request, index }));
  for (const { request, index } of sortByAge(numbered, (each) => each.request)) {
    if (used + request.services > limit) over.add(index);
    else used += request.services;
  }
  return over;
}
