// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertMatch } from "@std/assert";
import { CODE } from "../loader/error.ts";
import type { Method } from "../loader/fake_faults.ts";
import { HOOK } from "../loader/messages.ts";
import { BLIXT_STRUCTS, blixtObject } from "./blixt_object.ts";
import type { DataplaneOptions } from "./dataplane.ts";
import { FakeBench } from "./fake_bench.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { NEXT_NAME, OBJECT_NAME } from "./kernel.ts";

const web = service("192.0.2.1:80", group(1, "10.0.0.1:8080", "10.0.0.2:8080"));
const dns = service("192.0.2.1:53", group(1, "10.0.0.3:5353"));

const flow = Uint8Array.from({ length: 16 }, (_, i) => i);
const value = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** A version whose services take more bytes. */
const grown = blixtObject({ structs: { Service: { ...BLIXT_STRUCTS.Service, pad1: "u64" } } });

/** Runs a dataplane until a state is in the kernel, and ends it. */
async function once(
  bench: FakeBench,
  options: Partial<DataplaneOptions>,
  ...services: typeof web[]
): Promise<void> {
  const subject = bench.make(options);
  const running = subject.run(new AbortController().signal);
  await bench.program(subject, dataplane(...services)).finally(() => subject.close({ unload: false }));
  await running;
}

/** A bench with two services in the kernel and a flow that a packet left there. */
async function benchWithFlow(): Promise<FakeBench> {
  const bench = await FakeBench.start();
  await once(bench, {}, web, dns);
  bench.fake.object(OBJECT_NAME).map("flows4").poke(flow, value);
  return bench;
}

function sizes(bench: FakeBench): Record<string, number> {
  const { maps } = bench.fake.object(OBJECT_NAME).describe();
  return Object.fromEntries(maps.map(({ name, maxEntries }) => [name, maxEntries]));
}

async function assertWhole(bench: FakeBench): Promise<void> {
  const kernel = await bench.kernel();
  assertEquals([kernel.services.size, kernel.backends.size, kernel.tables.size], [2, 3, 2]);
  assertEquals([...kernel.addresses.keys()], ["192.0.2.1"]);
  assertEquals(bench.fake.object(OBJECT_NAME).map("flows4").get(flow), value);
  assertEquals(bench.attached(), [2]);
  assertEquals(bench.fake.names(), [OBJECT_NAME]);
}

Deno.test("a limit that changed moves services, ids and flows to maps of that size, and back", async () => {
  await using bench = await benchWithFlow();
  const before = await bench.kernel();
  for (const flows of [20, 10]) {
    await once(bench, { limits: { flows } }, web, dns);
    assertEquals(sizes(bench).flows4, 2 * flows);
    assertEquals(await bench.kernel(), before);
    await assertWhole(bench);
  }
  assertMatch(bench.log.join("\n"), /maps that differ from those that were there: flows4, flows6/);
});

Deno.test("a version whose values grew takes over what the old one held, and the old one after it", async () => {
  await using bench = await benchWithFlow();
  const before = await bench.kernel();
  const stats = bench.fake.object(OBJECT_NAME).map("service_stats");
  await once(bench, { object: grown }, web, dns);
  const next = bench.fake.object(OBJECT_NAME);
  assertEquals(next.map("services").definition.valueSize, 24);
  assert(next.map("service_stats") === stats, "the counters were not shared");
  await once(bench, {}, web, dns);
  assertEquals(await bench.kernel(), before);
  await assertWhole(bench);
});

Deno.test("the old version forwards as it did until the new one is programmed, then begins no flow", async () => {
  await using bench = await benchWithFlow();
  const seen: string[] = [];
  bench.fake.observer = ({ map, delete: gone }): void => {
    const [old, next] = [OBJECT_NAME, NEXT_NAME].map((name) => bench.fake.object(name));
    if (map !== "addresses" || !gone) return;
    const places = next!.describe().attachments.map(({ hook, ifindex }) => `${hook} ${ifindex}`);
    seen.push(`${[...next!.map("addresses").elements()].length} addresses, at ${places}`);
    assert([...old!.map("services").elements()].length === 2);
  };
  await once(bench, { object: grown }, web, dns);
  assertEquals(seen, [`1 addresses, at ${HOOK.TCX_INGRESS} 2,${HOOK.TCX_EGRESS} 2`]);
});

const STEPS: [Method, number][] = [
  ["load", 1],
  ["copy", 1],
  ["copy", 4],
  ["dump", 1],
  ["attach", 1],
  ["apply", 1],
  ["dump", 7],
  ["copy", 7],
  ["copy", 8],
  ["replace", 1],
];
for (const [method, nth] of STEPS) {
  Deno.test(`an upgrade that fails at ${method} ${nth} is begun again or finished`, async () => {
    await using bench = await benchWithFlow();
    bench.fake.faults.order({ method, nth, code: CODE.INTERNAL, message: "Ordered by the test" });
    await once(bench, { limits: { flows: 20 } }, web, dns);
    assertMatch(bench.log.join("\n"), /trying again: Ordered by the test/);
    assertEquals(sizes(bench).flows4, 40);
    await assertWhole(bench);
  });
  Deno.test(`an upgrade that was cut short at ${method} ${nth} can be taken back`, async () => {
    await using bench = await benchWithFlow();
    const fault = { method, nth, code: CODE.INTERNAL, message: "Ordered by the test" };
    bench.fake.faults.order(fault);
    const subject = bench.make({
      limits: { flows: 20 },
      clock: { now: Date.now, sleep: () => new Promise(() => {}) },
    });
    const stop = new AbortController();
    subject.run(stop.signal);
    subject.set(dataplane(web, dns));
    await bench.until(() => bench.log.some((line) => line.endsWith("Ordered by the test")));
    stop.abort();
    await once(bench, {}, web, dns);
    assertEquals(sizes(bench).flows4, 20);
    await assertWhole(bench);
  });
}

Deno.test("limits below what is in use begin anew, within them", async () => {
  await using bench = await benchWithFlow();
  await once(bench, { limits: { flows: 10, services: 1 } }, web);
  assertMatch(bench.log.join("\n"), /services.* hold more than the limits allow now/);
  const kernel = await bench.kernel();
  assertEquals([kernel.services.size, kernel.backends.size, sizes(bench).services], [1, 2, 1]);
});

Deno.test("maps that nobody described are given up when they do not fit", async () => {
  await using bench = await benchWithFlow();
  const { object } = bench;
  bench.fake.object(OBJECT_NAME).load(
    { name: OBJECT_NAME, object, maxEntries: { flows4: 20, flows6: 20, pending4: 3, pending6: 3 } },
    () => {
      throw new Error("nothing is shared");
    },
  );
  await once(bench, { limits: { flows: 11 } }, web, dns);
  assertMatch(
    bench.log.join("\n"),
    /Maps flows4, flows6 are not those of this version: all connections begin anew/,
  );
  assertEquals([...bench.fake.object(OBJECT_NAME).map("flows4").elements()], []);
});
