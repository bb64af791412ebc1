// SPDX-License-Identifier: Apache-2.0

// No prefix of the changes is inconsistent, whatever is desired one after another and wherever it is cut.

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { DesiredDataplane } from "../translate/desired.ts";
import { dataplane, group, routes, service } from "./fixtures.ts";
import { KernelModel } from "./model.ts";
import type { Capacity } from "./limits.ts";
import { Planner } from "./planner.ts";

const endpointArbitrary = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.boolean())
  .map(([host, draining]) => `10.0.0.${host}:8080${draining ? " draining" : ""}`);

const groupArbitrary = fc.tuple(
  fc.constantFrom(0, 1, 2, 1_000_000),
  fc.uniqueArray(endpointArbitrary, { maxLength: 4, selector: (text) => text.split(" ")[0] }),
).map(([weight, endpoints]) => group(weight, ...endpoints));

const desiredArbitrary: fc.Arbitrary<DesiredDataplane> = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.array(groupArbitrary, { maxLength: 3 }))
    .map(([port, groups]) => service(`192.0.2.${port % 2}:${port}`, ...groups)),
  { selector: ({ port }) => port, maxLength: 4 },
).map((services) => dataplane(...services));

const roomy: Capacity = { services: 50, backends: 500, tables: 100 };
const tight: Capacity = { services: 3, backends: 8, tables: 4 };

function planner(kernel: KernelModel, capacity: Capacity): Planner {
  let epoch = 0;
  return new Planner(kernel, capacity, () => ++epoch);
}

for (const [name, capacity] of Object.entries({ roomy, tight })) {
  Deno.test(`Planner.plan() is consistent after every single change, ${name} limits`, () => {
    fc.assert(
      fc.property(fc.array(desiredArbitrary, { minLength: 1, maxLength: 6 }), (states) => {
        const kernel = new KernelModel();
        const planning = planner(kernel, capacity);
        for (const desired of states) {
          for (const change of planning.plan(desired, routes(), new Set()).changes) {
            kernel.apply(change);
            kernel.assertConsistent();
          }
          kernel.assertQuiescence();
        }
      }),
      { numRuns: 60 },
    );
  });
}

Deno.test("Planner takes over at any cut: the next plan is consistent, and leads where an uncut one leads", () => {
  fc.assert(
    fc.property(desiredArbitrary, desiredArbitrary, fc.nat(), (before, after, cut) => {
      const kernel = new KernelModel();
      for (const change of planner(kernel, roomy).plan(before, routes(), new Set()).changes) {
        kernel.apply(change);
      }
      const { changes } = planner(kernel, roomy).plan(after, routes(), new Set());
      for (const change of changes.slice(0, cut % (changes.length + 1))) kernel.apply(change);

      for (const change of planner(kernel, roomy).plan(after, routes(), new Set()).changes) {
        kernel.apply(change);
        kernel.assertConsistent();
      }
      const fresh = new KernelModel();
      for (const change of planner(fresh, roomy).plan(after, routes(), new Set()).changes) {
        fresh.apply(change);
      }
      kernel.assertQuiescence();
      assertEquals(sizes(kernel), sizes(fresh));
      assertEquals(planner(kernel, roomy).plan(after, routes(), new Set()).changes, []);
    }),
    { numRuns: 60 },
  );
});

function sizes(kernel: KernelModel): number[] {
  return [kernel.services.size, kernel.tables.size, kernel.backends.size, kernel.addresses.size];
}
