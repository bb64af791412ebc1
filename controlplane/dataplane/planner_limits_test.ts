// SPDX-License-Identifier: Apache-2.0

// What a planner does when its maps are full.

import { assertEquals } from "@std/assert";
import type { DesiredDataplane } from "../translate/desired.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { Bench, roomy } from "./planner_bench.ts";

const web = "192.0.2.1:80";
const [a, b, c] = ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"];

Deno.test("Planner.plan() programs what fits and says which service does not, and why", () => {
  const bench = new Bench({ services: 2, backends: 3, tables: 5 });
  const services = [80, 81, 82].map((port) => service(`192.0.2.1:${port}`, group(1, a)));
  const plan = bench.plan(dataplane(...services));
  assertEquals(bench.kernel.services.size, 2);
  assertEquals(plan.unprogrammed, [{
    service: services[2]!,
    reason: "All 2 services are in use, raise --services",
  }]);
});

Deno.test("Planner.plan() keeps the last state of a service that has outgrown the limit of backends", () => {
  const bench = new Bench({ services: 9, backends: 2, tables: 9 });
  bench.plan(dataplane(service(web, group(1, a, b))));
  const { unprogrammed } = bench.plan(dataplane(service(web, group(1, a, b, c))));
  assertEquals(unprogrammed.map(({ reason }) => reason), [
    "It needs 1 more of 2 backends and 0 are free, raise --backends",
  ]);
  assertEquals(bench.slots(), { "10.0.0.1": 2_047, "10.0.0.2": 2_046 });
});

Deno.test("Planner.plan() wants to plan again when ids become free that a service waits for", () => {
  const bench = new Bench({ services: 1, backends: 9, tables: 9 });
  bench.plan(dataplane(service(web, group(1, a))));
  const desired = dataplane(service("192.0.2.1:81", group(1, b)));
  const first = bench.plan(desired);
  assertEquals([first.again, first.unprogrammed.length], [true, 1]);
  const second = bench.plan(desired);
  assertEquals([second.again, second.unprogrammed.length, bench.kernel.services.size], [false, 0, 1]);
});

Deno.test("Planner.plan() keeps this node's own addresses and says how many of others' it has no room for", () => {
  const bench = new Bench({ ...roomy, nodes: 3 });
  const nodes = (own: readonly string[], others: readonly string[]): DesiredDataplane => ({
    ...dataplane(),
    nodes: { own, others },
  });
  const first = bench.plan(nodes(["10.0.0.1"], ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]));
  assertEquals(first.nodesLeftOut, 2);
  assertEquals([...bench.kernel.nodes.keys()], ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  const second = bench.plan(nodes(["10.0.0.1"], ["10.0.0.4", "10.0.0.5"]));
  assertEquals([second.nodesLeftOut, second.changes.map(({ value }) => value === undefined)], [
    0,
    [true, true, false, false],
  ]);
});
