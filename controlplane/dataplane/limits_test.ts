// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { MAP_TYPE } from "./object.ts";
import { capacityOf, DEFAULT_LIMITS, maxEntries } from "./limits.ts";

/** What a loader would make of the sizes. */
function loaded(sizes: Readonly<Record<string, number>>): Parameters<typeof capacityOf>[0] {
  const common = { type: MAP_TYPE.HASH, keySize: 4, valueSize: 4, adopted: false, memory: 0 };
  return {
    maps: Object.entries(sizes).map(([name, maxEntries]) => ({ ...common, name, maxEntries })),
  };
}

Deno.test("maxEntries() makes room for as many as the limits say, though index 0 is not used", () => {
  for (const limits of [DEFAULT_LIMITS, { flows: 1, services: 1, backends: 1, clients: 1 }]) {
    const { services, backends, tables } = capacityOf(loaded(maxEntries(limits)));
    assertEquals([services, backends, tables], [limits.services, limits.backends, 2 * limits.services]);
  }
});

Deno.test("maxEntries() has two entries for a flow of either IP version, and for one in eight that is pending", () => {
  assertEquals(maxEntries({ flows: 500 }), { flows4: 1_000, flows6: 1_000, pending4: 125, pending6: 125 });
});

Deno.test("maxEntries() has an entry for each client of a service with affinity", () => {
  assertEquals(maxEntries({ clients: 70 }), { affinities: 70 });
});

Deno.test("maxEntries() leaves maps of a limit that is absent as the object has them", () => {
  assertEquals(maxEntries({}), {});
  assertEquals(Object.keys(maxEntries({ backends: 3 })), ["backends", "backend_stats"]);
});

Deno.test("capacityOf() is what the smallest of the maps leaves", () => {
  const sizes = maxEntries(DEFAULT_LIMITS);
  const smaller = {
    ...sizes,
    service_stats: 51,
    addresses: 40,
    backends: 31,
    backend_stats: 21,
    tables: 11,
    nodes: 7,
  };
  assertEquals(capacityOf(loaded(smaller)), { services: 40, backends: 20, tables: 10, nodes: 7 });
});
