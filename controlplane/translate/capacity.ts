// SPDX-License-Identifier: Apache-2.0

import { type Aged, sortByAge } from "./age.ts";

/** How many listeners take traffic, and how many services that makes: one for each listener and address. */
export interface Size {
  readonly listeners: number;
  readonly services: number;
}

/** A Gateway with what it needs. */
export interface CapacityRequest extends Aged, Size {}

/**
 * The Gateways for which there is no room, as indexes of the requests. The older
 * go first; one that does not fit gets nothing, and leaves room for smaller ones.
 */
export function overCapacity(requests: readonly CapacityRequest[], limit: Size): ReadonlySet<number> {
  const over = new Set<number>();
  const used = { listeners: 0, services: 0 };
  const numbered = requests.map((request, index) => ({ request, index }));
  for (const { request, index } of sortByAge(numbered, (each) => each.request)) {
    const listeners = used.listeners + request.listeners;
    const services = used.services + request.services;
    if (listeners > limit.listeners || services > limit.services) over.add(index);
    else Object.assign(used, { listeners, services });
  }
  return over;
}
