// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { BLIXT_STRUCTS, blixtObject, type BlixtObjectOptions } from "./blixt_object.ts";
import { readObject } from "./object.ts";
import { describeMaps } from "./object_note.ts";
import { pieces, planUpgrade, type UpgradePlan, type Version } from "./upgrade_plan.ts";

function version(options: BlixtObjectOptions = {}): Required<Version> {
  const object = readObject(blixtObject(options));
  return { maps: [...object.maps.values()], note: describeMaps(object) };
}

type Beside = Extract<UpgradePlan, { kind: "beside" }>;

function beside(from: Version, to: Required<Version>): Record<string, readonly string[]> {
  const plan = planUpgrade(from, to) as Beside;
  assertEquals(plan.kind, "beside");
  const names = (copies: Beside["first"]): string[] => copies.map(({ map }) => map).sort();
  return {
    changed: plan.changed,
    adopt: plan.adopt.toSorted(),
    first: names(plan.first),
    last: names(plan.last),
  };
}

const counters = ["backend_stats", "drops", "service_stats"];
const flows = ["affinities", "flows4", "flows6", "pending4", "pending6"];
const written = ["addresses", "devices", "nodes", "services", "tables"];
const grownService = { Service: { ...BLIXT_STRUCTS.Service, more: "u32" } } as const;

Deno.test("planUpgrade() swaps programs alone when the maps are the same, come or go", () => {
  assertEquals(planUpgrade(version(), version()).kind, "same");
  const fewer = version({ change: (map) => map.name === "flows6" ? undefined : map });
  assertEquals(planUpgrade(fewer, version()).kind, "same");
  assertEquals(planUpgrade(version(), fewer).kind, "same");
  assertEquals(planUpgrade({ maps: [], note: undefined }, version()).kind, "same");
  assertEquals(planUpgrade({ ...version(), note: undefined }, version()).kind, "same");
});

Deno.test("planUpgrade() shares flows and backends when only what the control plane writes has changed", () => {
  assertEquals(beside(version(), version({ structs: grownService })), {
    changed: ["services"],
    adopt: ["backend_stats", "backends", "drops", ...flows, "service_stats"].toSorted(),
    first: written,
    last: [],
  });
});

Deno.test("planUpgrade() copies all flows and the backends when one of their maps has changed", () => {
  const larger = version({ sizes: { flows4: 4_096 } });
  // What clients are remembered for is asked by the first flow of the new version already.
  const expected = { adopt: counters, first: ["affinities", "backends", ...written].toSorted() };
  assertEquals(beside(version(), larger), { changed: ["flows4"], ...expected, last: flows });
  const backend = version({ structs: { Backend: { ...BLIXT_STRUCTS.Backend, weight: "u64" } } });
  assertEquals(beside(version(), backend), {
    changed: ["backends"],
    ...expected,
    last: flows,
  });
});

Deno.test("planUpgrade() copies the counters that have changed and shares the others", () => {
  const next = version({ structs: { Drops: { malformed: "u64", added: "u64", refused_tcp: "u64" } } });
  const { adopt, first } = beside(version(), next);
  assertEquals([adopt?.includes("service_stats"), adopt?.includes("drops"), first?.includes("drops")], [
    true,
    false,
    true,
  ]);
});

Deno.test("planUpgrade() sees fields that changed places within the same size", () => {
  const { id, table, slots, affinity } = BLIXT_STRUCTS.Service;
  const moved = version({ structs: { Service: { table, id, slots, affinity } } });
  const plan = planUpgrade(version(), moved) as Beside;
  assertEquals(plan.changed, ["services"]);
  assertEquals(plan.first.find(({ map }) => map === "services")?.value, [
    { from: 4, to: 0, length: 4 },
    { from: 0, to: 4, length: 4 },
    { from: 8, to: 8, length: 4 },
    { from: 12, to: 12, length: 4 },
  ]);
});

Deno.test("planUpgrade() begins anew when maps do not fit and nobody said what they mean", () => {
  const plan = planUpgrade({ ...version(), note: undefined }, version({ sizes: { services: 9 } }));
  assertEquals(plan, { kind: "anew", changed: ["services"] });
});

Deno.test("planUpgrade() leaves behind what was kept in a map of another type", () => {
  const next = version({ change: (map) => map.name === "addresses" ? { ...map, type: 9 } : map });
  assertEquals(beside(version(), next).first, written.filter((name) => name !== "addresses"));
});

Deno.test("pieces() pairs fields by name, as much of each as both have", () => {
  const [old, next] = [
    [["a", 0, 4], ["gone", 4, 4], ["shrunk", 8, 8]],
    [["new", 0, 8], ["shrunk", 8, 2], ["a", 16, 8]],
  ] as const;
  assertEquals(pieces(old, next), [{ from: 8, to: 8, length: 2 }, { from: 0, to: 16, length: 4 }]);
});
