// SPDX-License-Identifier: Apache-2.0

import type { LoadedObject } from "../loader/messages.ts";

/** How much the kernel's maps hold. They are made of that size when the object is loaded. */
export interface Limits {
  /** Flows of each IP version. */
  readonly flows: number;
  /** Addresses with port and protocol: a listener takes one for each address of its Gateway. */
  readonly services: number;
  /** Endpoints, counted once for each service. */
  readonly backends: number;
  /** Clients of services with sessionAffinity, counted once for each service. */
  readonly clients: number;
}

/** What holds where nothing else is asked for. */
export const DEFAULT_LIMITS: Limits = {
  flows: 1_000_000,
  services: 10_000,
  backends: 100_000,
  clients: 200_000,
};

/** A flow has two entries: one for each direction. */
export const ENTRIES_OF_FLOW = 2;

/** Flows that there is room for, for each that may be pending: made-up ones push out no others. */
export const FLOWS_OF_PENDING = 8;

/** max_entries of the maps, by name; those that no limit concerns stay as the object has them. */
export function maxEntries({ flows, services, backends, clients }: Partial<Limits>): Record<string, number> {
  const sizes: Record<string, number> = {};
  if (flows !== undefined) {
    sizes["flows4"] = sizes["flows6"] = ENTRIES_OF_FLOW * flows;
    sizes["pending4"] = sizes["pending6"] = Math.ceil(ENTRIES_OF_FLOW * flows / FLOWS_OF_PENDING);
  }
  // Element 0 of each array is not used. There are twice as many tables, so that all can be swapped in one go.
  if (services !== undefined) {
    Object.assign(sizes, {
      services,
      addresses: services,
      service_stats: services + 1,
      tables: 2 * services + 1,
    });
  }
  if (backends !== undefined) Object.assign(sizes, { backends: backends + 1, backend_stats: backends + 1 });
  if (clients !== undefined) sizes["affinities"] = clients;
  return sizes;
}

/** Elements that a map of an object has room for; undefined when it has none of that name. */
export function entriesOf({ maps }: Pick<LoadedObject, "maps">, name: string): number | undefined {
  return maps.find((map) => map.name === name)?.maxEntries;
}

/** Ids there are of each kind: 1 to the number. */
export interface Capacity {
  readonly services: number;
  readonly backends: number;
  readonly tables: number;
  /** Addresses of nodes; any number when absent. */
  readonly nodes?: number;
}

/** The ids that the maps of an object have room for. */
export function capacityOf(object: Pick<LoadedObject, "maps">): Capacity {
  const entries = (name: string): number => entriesOf(object, name) ?? 0;
  return {
    services: Math.min(entries("services"), entries("addresses"), entries("service_stats") - 1),
    backends: Math.min(entries("backends"), entries("backend_stats")) - 1,
    tables: entries("tables") - 1,
    nodes: entries("nodes"),
  };
}
