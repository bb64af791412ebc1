// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { DesiredDataplane } from "../translate/desired.ts";
import { dataplane, group, routes, service } from "./fixtures.ts";
import { ADDRESS_ANNOUNCE, ADDRESS_LOCAL, BACKEND_QUIESCENT } from "./layout.ts";
import { KernelModel } from "./model.ts";
import { Planner } from "./planner.ts";
import { Bench, nowhere } from "./planner_bench.ts";

const web = "192.0.2.1:80";
const [a, b, c] = ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"];

Deno.test("Planner.plan() of a new service goes from backends over the table to service and address", () => {
  const phases = new Bench().phases(dataplane(service(web, group(1, a, b))));
  assertEquals(phases, [
    "+service_stats",
    "+backend_stats",
    "+backends",
    "+tables",
    "+services",
    "+addresses",
  ]);
});

Deno.test("Planner.plan() of a removed service goes the other way", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a, b))));
  assertEquals(bench.phases(dataplane()), ["-addresses", "-services", "-tables", "-backends"]);
  assertEquals([bench.kernel.services.size, bench.kernel.tables.size, bench.kernel.backends.size], [0, 0, 0]);
});

Deno.test("Planner.plan() of what the kernel has already changes nothing, be it the same object or a copy", () => {
  const bench = new Bench();
  const desired = dataplane(service(web, group(1, a, b)));
  bench.plan(desired);
  assertEquals(bench.plan(desired).changes, []);
  assertEquals(bench.plan(structuredClone(desired)).changes, []);
});

Deno.test("Planner.plan() replaces a table of the same size in place, and clears the old backend after it", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a, b))));
  const phases = bench.phases(dataplane(service(web, group(1, a, c))));
  assertEquals(phases, ["+backend_stats", "+backends", "+tables", "-backends"]);
});

Deno.test("Planner.plan() makes a table of another size beside the old one, then switches", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a))));
  const phases = bench.phases(dataplane(service(web, group(1, a, b))));
  assertEquals(phases, ["+backend_stats", "+backends", "+tables", "+services", "-tables"]);
});

Deno.test("Planner.plan() gives one target a table of one slot, and two targets slots by weight", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a))));
  assertEquals(bench.slots(), { "10.0.0.1": 1 });
  bench.plan(dataplane(service(web, group(3, a), group(1, b))));
  assertEquals(bench.slots(), { "10.0.0.1": 3_070, "10.0.0.2": 1_023 });
});

Deno.test("Planner.plan() refuses exactly the share of a group without endpoints", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(3, a), group(1))));
  assertEquals(bench.slots(), { "10.0.0.1": 3_070, refuse: 1_023 });
});

Deno.test("Planner.plan() needs no table where every flow is refused", () => {
  for (const groups of [[], [group(0, a)], [group(5)], [group(0, a), group(1)]]) {
    const bench = new Bench();
    bench.plan(dataplane(service(web, group(1, a, b))));
    bench.plan(dataplane(service(web, ...groups)));
    assertEquals(bench.kernel.tables.size, 0);
    assertEquals([...bench.kernel.services.values()][0]?.value.slots, 0);
  }
});

Deno.test("Planner.plan() keeps a draining endpoint alive without new flows, unless all are draining", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a, b))));
  const before = bench.backends();
  bench.plan(dataplane(service(web, group(1, a, `${b} draining`))));
  assertEquals(bench.slots(), { "10.0.0.1": 1 });
  assertEquals(bench.backends(), before);
  bench.plan(dataplane(service(web, group(1, `${a} draining`, `${b} draining`))));
  assertEquals(bench.slots(), { "10.0.0.1": 2_047, "10.0.0.2": 2_046 });
});

Deno.test("Planner.plan() keeps a backend of weight 0 alive for the flows it has", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a), group(1, b))));
  bench.plan(dataplane(service(web, group(1, a), group(0, b))));
  assertEquals(bench.slots(), { "10.0.0.1": 1 });
  assertEquals(Object.keys(bench.backends()), ["10.0.0.1", "10.0.0.2"]);
});

Deno.test("Planner.plan() gives the same endpoint of two services two ids, and of two groups one", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a)), service("192.0.2.1:81", group(1, a), group(2, a))));
  assertEquals(bench.kernel.backends.size, 2);
});

Deno.test("Planner.plan() tells TCP and UDP on one port apart", () => {
  const bench = new Bench();
  const tcp = service(web, group(1, a));
  bench.plan(dataplane(tcp, { ...tcp, protocol: "UDP" }));
  assertEquals([...bench.kernel.services.values()].map(({ key }) => key.protocol), [6, 17]);
});

Deno.test("Planner.plan() gives an id that is used again another epoch and clean counters", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a, b))));
  const [id, epoch] = bench.backends()["10.0.0.2"] ?? [];
  bench.plan(dataplane(service(web, group(1, a))));
  bench.kernel.clean.backend_stats.clear();
  bench.plan(dataplane(service(web, group(1, a, c))));
  const [again, later] = bench.backends()["10.0.0.3"] ?? [];
  assertEquals(again, id);
  assertNotEquals(later, epoch);
  assert(bench.kernel.clean.backend_stats.has(again ?? 0));
});

Deno.test("Planner.plan() does not hand an id on within the plan that frees it", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a))));
  const [id] = bench.backends()["10.0.0.1"] ?? [];
  bench.plan(dataplane(service(web, group(1, b))));
  assertNotEquals(bench.backends()["10.0.0.2"]?.[0], id);
});

Deno.test("Planner.plan() writes the way to each backend, again when routes change, with the same epoch", () => {
  const bench = new Bench();
  const desired = dataplane(service(web, group(1, a, b)));
  bench.plan(desired);
  const before = bench.backends();
  const elsewhere = routes({ ifindex: 9, gateway: "10.9.9.9" }, 2);
  assertEquals(bench.phases(desired, elsewhere), ["+backends"]);
  assertEquals(bench.backends(), before);
  const ways = [...bench.kernel.backends.values()].map(({ ifindex, gateway }) => `${ifindex} ${gateway}`);
  assertEquals(ways, ["9 10.9.9.9", "9 10.9.9.9"]);
});

Deno.test("Planner.plan() announces addresses, except those that the host has itself", () => {
  const bench = new Bench();
  const desired = dataplane(service(web, group(1, a)), service("192.0.2.2:80", group(1, a)));
  bench.plan(desired, routes(), new Set(["192.0.2.2"]));
  assertEquals(Object.fromEntries(bench.kernel.addresses), {
    "192.0.2.1": ADDRESS_ANNOUNCE,
    "192.0.2.2": ADDRESS_LOCAL,
  });
  assertEquals(bench.plan(desired, routes(), new Set(["192.0.2.2"])).changes, []);
  assertEquals(bench.takesOwn, true);
  bench.plan(desired);
  assertEquals(bench.kernel.addresses.get("192.0.2.2"), ADDRESS_ANNOUNCE);
  assertEquals(bench.takesOwn, false);
});

Deno.test("Planner.plan() announces the addresses that are this host's, and takes traffic for the others too", () => {
  const bench = new Bench();
  const services = [service(web, group(1, a)), service("192.0.2.2:80", group(1, a))];
  const announcing = (announced: DesiredDataplane["announced"]): Record<string, number> => {
    bench.plan(announced === undefined ? { services } : { services, announced });
    return Object.fromEntries(bench.kernel.addresses);
  };
  assertEquals(announcing(["192.0.2.2"]), { "192.0.2.1": 0, "192.0.2.2": ADDRESS_ANNOUNCE });
  assertEquals(announcing("unchanged"), { "192.0.2.1": 0, "192.0.2.2": ADDRESS_ANNOUNCE });
  assertEquals(announcing(["192.0.2.1"]), { "192.0.2.1": ADDRESS_ANNOUNCE, "192.0.2.2": 0 });
  assertEquals(announcing([]), { "192.0.2.1": 0, "192.0.2.2": 0 });
  assertEquals(announcing(undefined), { "192.0.2.1": ADDRESS_ANNOUNCE, "192.0.2.2": ADDRESS_ANNOUNCE });
});

Deno.test("Planner leaves announcements as it finds them while it is not known whose they are", () => {
  const bench = new Bench();
  const services = [service(web, group(1, a)), service("192.0.2.2:80", group(1, a))];
  bench.plan({ services, announced: ["192.0.2.1"] });
  const added = [...services, service("192.0.2.3:80", group(1, a))];
  bench.restart().plan({ services: added, announced: "unchanged" });
  assertEquals(Object.fromEntries(bench.kernel.addresses), {
    "192.0.2.1": ADDRESS_ANNOUNCE,
    "192.0.2.2": 0,
    "192.0.2.3": 0,
  });
});

Deno.test("Planner.plan() keeps an address as long as one service is on it", () => {
  const bench = new Bench();
  const [one, two] = [service(web, group(1, a)), service("192.0.2.1:81", group(1, b))];
  bench.plan(dataplane(one, two));
  assertEquals(bench.phases(dataplane(one)), ["-services", "-tables", "-backends"]);
  assertEquals([...bench.kernel.addresses.keys()], ["192.0.2.1"]);
});

Deno.test("Planner.plan() passes the time of session affinity on", () => {
  const bench = new Bench();
  bench.plan(dataplane({ ...service(web, group(1, a)), affinitySeconds: 600 }));
  assertEquals([...bench.kernel.services.values()][0]?.value.affinity, 600);
});

/** Addresses of the backends that take no new flows. */
function quiescent({ kernel }: Bench): string[] {
  const backends = [...kernel.backends.values()].filter(({ flags }) => (flags & BACKEND_QUIESCENT) !== 0);
  return backends.map(({ address }) => address).sort();
}

Deno.test("Planner.plan() lets a draining endpoint and one of weight 0 take no new flows, their old ones go on", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a, b), group(1, c))));
  const before = bench.backends();
  assertEquals(quiescent(bench), []);
  bench.plan(dataplane(service(web, group(1, a, `${b} draining`), group(0, c))));
  assertEquals(quiescent(bench), ["10.0.0.2", "10.0.0.3"]);
  assertEquals([bench.backends(), Object.keys(bench.slots())], [before, ["10.0.0.1"]]);
  bench.plan(dataplane(service(web, group(1, a, b), group(1, c))));
  assertEquals([quiescent(bench), bench.backends()], [[], before]);
});

Deno.test("Planner.plan() lets draining endpoints take new flows while there are no others", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, `${a} draining`, `${b} draining`))));
  assertEquals(quiescent(bench), []);
});

Deno.test("Planner.plan() lets an endpoint take new flows that one of several groups gives a weight", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(0, a, b), group(1, b))));
  assertEquals(quiescent(bench), ["10.0.0.1"]);
});

Deno.test("Planner.plan() says at once that endpoints take no new flows when all weights are 0", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a, b))));
  bench.plan(dataplane(service(web, group(0, a, b))));
  assertEquals([quiescent(bench), bench.slots()], [["10.0.0.1", "10.0.0.2"], {}]);
});

Deno.test("Planner takes a kernel over without a change, so that flows go on", () => {
  const bench = new Bench();
  const desired = dataplane(service(web, group(3, a, b), group(1)), service("192.0.2.1:81", group(1, c)));
  bench.plan(desired);
  assertEquals(bench.restart().plan(structuredClone(desired)).changes, []);
});

Deno.test("Planner takes a kernel over and keeps the ids of what stays", () => {
  const bench = new Bench();
  bench.plan(dataplane(service(web, group(1, a, b))));
  const before = bench.backends();
  bench.restart().plan(dataplane(service(web, group(1, b, c))));
  assertEquals(bench.backends()["10.0.0.2"], before["10.0.0.2"]);
  assertEquals(bench.backends()["10.0.0.1"], undefined);
});

Deno.test("Planner repairs a table that is missing or was written otherwise", () => {
  const bench = new Bench();
  const desired = dataplane(service(web, group(1, a, b)));
  bench.plan(desired);
  const [only] = bench.kernel.services.values();
  const id = only?.value.table ?? 0;
  const good = bench.kernel.tables.get(id);
  for (const damage of [undefined, new Uint32Array(4_093)]) {
    bench.kernel.apply({ map: "tables", key: id, value: damage && (() => damage) });
    bench.restart().plan(structuredClone(desired));
    assertEquals(bench.kernel.tables.get(id), good);
  }
});

Deno.test("Planner removes what a half-done plan left behind", () => {
  const bench = new Bench();
  const desired = dataplane(service(web, group(1, a)));
  bench.plan(desired);
  const value = bench.kernel.backends.get(1)!;
  bench.kernel.apply({ map: "backends", key: 77, value: { ...value, service: 55 } });
  bench.kernel.apply({ map: "backends", key: 78, value });
  bench.kernel.apply({ map: "tables", key: 42, value: () => Uint32Array.of(77) });
  bench.restart().plan(structuredClone(desired));
  assertEquals([...bench.kernel.backends.keys()], [1]);
  assertEquals([...bench.kernel.tables.keys()], [1]);
});

Deno.test("Planner.plan() programs the first of two services with the same address, port and protocol", () => {
  const bench = new Bench();
  const { unprogrammed } = bench.plan(dataplane(service(web, group(1, a)), service(web, group(1, b))));
  assertEquals(unprogrammed.length, 1);
  assertEquals(bench.slots(), { "10.0.0.1": 1 });
});

Deno.test("Planner.plan() looks at 10,000 unchanged services in a few milliseconds", () => {
  const capacity = { services: 10_000, backends: 20_000, tables: 20_000 };
  const services = Array.from(
    { length: 10_000 },
    (_, i) => service(`10.${i >> 8}.${i & 255}.1:80`, group(1, a)),
  );
  const planner = new Planner(new KernelModel(), capacity, () => 1);
  assertEquals(planner.plan(dataplane(...services), routes(), nowhere).unprogrammed, []);
  const took = [b, a, b, a, b].map((endpoint) => {
    const changed = dataplane(...services.slice(1), service(web, group(1, endpoint)));
    const start = performance.now();
    const { changes } = planner.plan(changed, routes(), nowhere);
    const took = performance.now() - start;
    assert(changes.length < 15, `${changes.length} changes`);
    return took;
  });
  // About 10 ms on the machine this was written on; the shortest time is free of what else runs.
  assert(Math.min(...took) < 200, `${took} ms`);
});
