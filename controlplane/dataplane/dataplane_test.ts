// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { CODE } from "../loader/error.ts";
import { fakeInterface } from "../loader/fake_network.ts";
import { HOOK, type Operation, ORDER } from "../loader/messages.ts";
import { blixtObject } from "./blixt_object.ts";
import { Dataplane } from "./dataplane.ts";
import { FakeBench } from "./fake_bench.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { OBJECT_NAME } from "./kernel.ts";
import { DEVICE_OUTWARD, DEVICE_PEER, LayoutError } from "./layout.ts";

const web = service("192.0.2.1:80", group(1, "10.0.0.1:8080", "10.0.0.2:8080"));
const dns = service("192.0.2.1:53", group(1, "10.0.0.3:5353"));

const [lo, eth0] = [fakeInterface(1, "lo", { type: 772 }), fakeInterface(2, "eth0")];
const pod = fakeInterface(7, "veth7", { kind: "veth", peerElsewhere: true });

/** Maps that operations touched, as they come. */
function record(bench: FakeBench): Operation[] {
  const operations: Operation[] = [];
  bench.fake.observer = (operation): void => void operations.push(operation);
  return operations;
}

Deno.test("Dataplane programs services and attaches to every Ethernet interface", async () => {
  await using bench = await FakeBench.start();
  bench.fake.network.setInterfaces([lo, eth0, pod]);
  await bench.program(bench.run(), dataplane(web, dns));
  const kernel = await bench.kernel();
  assertEquals([kernel.services.size, kernel.backends.size, [...kernel.addresses.keys()]], [2, 3, [
    "192.0.2.1",
  ]]);
  assertEquals([kernel.devices.get(2)?.flags, kernel.devices.get(7)?.flags], [DEVICE_OUTWARD, DEVICE_PEER]);
  assertEquals(bench.attached(), [2, 7]);
});

Deno.test("Dataplane has the devices in the map before it attaches to them", async () => {
  await using bench = await FakeBench.start();
  const attachedAt: number[][] = [];
  bench.fake.observer = ({ map }): void => {
    if (map === "devices") attachedAt.push(bench.attached());
  };
  await bench.program(bench.run(), dataplane(web));
  assertEquals(attachedAt, [[]]);
});

Deno.test("Dataplane sizes the flow tables for two entries a flow", async () => {
  await using bench = await FakeBench.start();
  await bench.program(bench.run({ limits: { flows: 500, services: 3, backends: 6 } }), dataplane(web));
  const sizes = bench.fake.object(OBJECT_NAME).describe().maps.map((
    { name, maxEntries },
  ) => [name, maxEntries]);
  const { flows4, flows6, services, service_stats, tables, backends, backend_stats } = Object.fromEntries(
    sizes,
  );
  assertEquals([flows4, flows6], [1_000, 1_000]);
  assertEquals([services, service_stats, tables, backends, backend_stats], [3, 4, 7, 7, 7]);
});

Deno.test("Dataplane.set() of an unchanged state writes nothing", async () => {
  await using bench = await FakeBench.start();
  const subject = bench.run();
  await bench.program(subject, dataplane(web, dns));
  const operations = record(bench);
  await bench.program(subject, structuredClone(dataplane(web, dns)));
  assertEquals(operations, []);
});

Deno.test("Dataplane.set() in a burst leads to the last state, without all those between", async () => {
  await using bench = await FakeBench.start();
  const subject = bench.run();
  await bench.program(subject, dataplane());
  const operations = record(bench);
  bench.fake.faults.delay = 30;
  const states = Array.from({ length: 50 }, (_, i) => dataplane(service(`192.0.2.1:${i + 1}`)));
  for (const state of states) subject.set(state);
  await subject.programmed(states[10]!, AbortSignal.timeout(60_000));
  await subject.programmed(states[49]!, AbortSignal.timeout(60_000));
  assertEquals([...(await bench.kernel()).services.values()].map(({ key }) => key.port), [50]);
  const puts = operations.filter((operation) => operation.map === "services" && operation.put);
  if (puts.length > 2) throw new Error(`${puts.length} services were written for one`);
});

Deno.test("Dataplane takes a kernel over without writing, before anything is set and after", async () => {
  await using bench = await FakeBench.start();
  const first = bench.make();
  const stop = new AbortController();
  const running = first.run(stop.signal);
  await bench.program(first, dataplane(web, dns));
  stop.abort();
  await running;

  const operations = record(bench);
  const second = bench.run();
  await bench.until(() => bench.log.some((line) => line.includes("took over what was there")));
  assertEquals((await bench.kernel()).services.size, 2);
  await bench.program(second, structuredClone(dataplane(web, dns)));
  assertEquals(operations, []);
});

Deno.test("Dataplane removes what it took over and is not desired", async () => {
  await using bench = await FakeBench.start();
  const first = bench.make();
  const stop = new AbortController();
  const running = first.run(stop.signal);
  await bench.program(first, dataplane(web, dns));
  stop.abort();
  await running;
  await bench.program(bench.run(), dataplane(dns));
  const kernel = await bench.kernel();
  assertEquals([kernel.services.size, kernel.backends.size, kernel.tables.size], [1, 1, 1]);
});

Deno.test("Dataplane goes on after a restart of the loader, without writing what is there", async () => {
  await using bench = await FakeBench.start();
  const subject = bench.run();
  await bench.program(subject, dataplane(web));
  const operations = record(bench);
  await bench.fake.restart();
  await bench.until(() => bench.log.some((line) => line.includes("took over")));
  await bench.program(subject, structuredClone(dataplane(web)));
  assertEquals(operations, []);
  await bench.program(subject, dataplane(web, dns));
  assertEquals((await bench.kernel()).services.size, 2);
});

Deno.test("Dataplane waits for a loader that is not there yet, and says so once", async () => {
  await using bench = await FakeBench.start();
  bench.fake.stop();
  const subject = bench.run();
  const desired = dataplane(web);
  subject.set(desired);
  await bench.until(() => bench.log.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(bench.log.length, 1);
  assertMatch(bench.log[0] ?? "", /^The kernel keeps its last state, trying again: /);
  await bench.fake.start();
  await subject.programmed(desired, AbortSignal.timeout(60_000));
});

for (const after of [undefined, 0, 1, 4, 7]) {
  Deno.test(`Dataplane tries again when Apply fails after ${after ?? "no"} operations`, async () => {
    await using bench = await FakeBench.start();
    const subject = bench.run();
    await bench.program(subject, dataplane(web));
    const cut = after === undefined ? {} : { after };
    bench.fake.faults.order({ method: "apply", code: CODE.INTERNAL, message: "Ordered by the test", ...cut });
    await bench.program(
      subject,
      dataplane(dns, service("192.0.2.2:80", group(1, "10.0.0.4:80", "10.0.0.5:80"))),
    );
    const kernel = await bench.kernel();
    assertEquals([kernel.services.size, kernel.backends.size, kernel.tables.size], [2, 3, 2]);
    assertEquals([...kernel.addresses.keys()].sort(), ["192.0.2.1", "192.0.2.2"]);
    assertMatch(bench.log.join("\n"), /trying again: Ordered by the test/);
  });
}

for (const method of ["probe", "load", "dump", "attach", "watch", "resolve"] as const) {
  Deno.test(`Dataplane tries again when ${method} fails`, async () => {
    await using bench = await FakeBench.start();
    bench.fake.faults.order({ method, code: CODE.INTERNAL, message: `Ordered for ${method}` });
    await bench.program(bench.run(), dataplane(web));
    assertEquals((await bench.kernel()).services.size, 1);
    assertMatch(bench.log.join("\n"), new RegExp(`trying again: Ordered for ${method}`));
  });
}

Deno.test("Dataplane attaches to an interface that appears, and forgets one that goes", async () => {
  await using bench = await FakeBench.start();
  await bench.program(bench.run(), dataplane(web));
  assertEquals(bench.attached(), [2]);
  bench.fake.network.setInterfaces([lo, eth0, pod]);
  await bench.until(() => bench.attached().includes(7));
  assertEquals((await bench.kernel()).devices.get(7), { flags: DEVICE_PEER, mac: "020000000007", master: 0 });
  bench.fake.removeInterface(7, [lo, eth0]);
  const operations = record(bench);
  await bench.until(() => operations.some((operation) => operation.map === "devices"));
  assertEquals([...(await bench.kernel()).devices.keys()], [2]);
});

Deno.test("Dataplane names an interface that refuses the program, and serves with the others", async () => {
  await using bench = await FakeBench.start();
  bench.fake.network.setInterfaces([lo, eth0, pod]);
  bench.fake.faults.refusals.set(7, "Cannot attach: the hook has no free place");
  await bench.program(bench.run(), dataplane(web));
  assertEquals(bench.attached(), [2]);
  assertMatch(
    bench.log.join("\n"),
    /Interface veth7 has no Blixt and is tried again: Cannot attach: the hook/,
  );
  bench.fake.faults.refusals.clear();
  bench.fake.network.setInterfaces([lo, eth0, pod]);
  await bench.until(() => bench.attached().includes(7));
});

Deno.test("Dataplane says whose programs run before it, and hangs where it is told to", async () => {
  await using bench = await FakeBench.start();
  bench.fake.chains.putForeign(HOOK.TCX_INGRESS, 2, 57, "first");
  await bench.program(
    bench.run({ order: { order: ORDER.AFTER, anchor: { programId: 57 } } }),
    dataplane(web),
  );
  assertMatch(bench.log.join("\n"), /Another's program runs before Blixt on interface eth0 \(id 57\)/);
  const links =
    bench.fake.chains.query(HOOK.TCX_INGRESS, 2, [bench.fake.object(OBJECT_NAME).describe()]).links;
  assertEquals(links.map(({ object }) => object), ["", OBJECT_NAME]);
});

Deno.test("Dataplane hangs before others unless it is told otherwise, and is silent about those behind", async () => {
  await using bench = await FakeBench.start();
  bench.fake.chains.putForeign(HOOK.TCX_INGRESS, 2, 57, "first");
  await bench.program(bench.run(), dataplane(web));
  assertEquals(bench.log.filter((line) => line.includes("id 57")), []);
});

Deno.test("Dataplane says which interface that was named is missing, and takes it once it appears", async () => {
  await using bench = await FakeBench.start();
  await bench.program(bench.run({ interfaces: ["eth0", "veth7"] }), dataplane(web));
  assertMatch(bench.log.join("\n"), /There is no interface veth7; it faces clients as soon as it appears/);
  bench.fake.network.setInterfaces([lo, eth0, pod]);
  await bench.until(() => bench.attached().includes(7));
  assertEquals((await bench.kernel()).devices.get(7)?.flags, DEVICE_PEER | DEVICE_OUTWARD);
});

Deno.test("Dataplane says which interface that was named has no Ethernet header", async () => {
  await using bench = await FakeBench.start();
  const tunnel = fakeInterface(9, "wg0", { type: 65_534, mac: new Uint8Array() });
  bench.fake.network.setInterfaces([lo, eth0, tunnel]);
  await bench.program(bench.run({ interfaces: ["eth0", "wg0"] }), dataplane(web));
  assertMatch(bench.log.join("\n"), /Interface wg0 has no Ethernet header, .* name another/);
  assertEquals(bench.attached().includes(9), false);
});

Deno.test("Dataplane asks for the way to backends, and again when the routes change", async () => {
  await using bench = await FakeBench.start();
  const ways = async (): Promise<string[]> =>
    [...(await bench.kernel()).backends.values()].map(({ ifindex, gateway }) => `${ifindex} ${gateway}`);
  await bench.program(bench.run(), dataplane(dns));
  assertEquals(await ways(), ["0 "]);
  const operations = record(bench);
  bench.fake.network.setRoutes({
    "0a000003": { ifindex: 7, gateway: Uint8Array.of(10, 1, 1, 1), local: false, source: new Uint8Array() },
  });
  await bench.until(() => operations.length > 0);
  assertEquals(await ways(), ["7 10.1.1.1"]);
  assertEquals(operations.map((operation) => operation.map), ["backends"]);
});

Deno.test("Dataplane reports which service is beyond the limits, and takes it back when it fits", async () => {
  await using bench = await FakeBench.start();
  const reports: string[][] = [];
  const subject = bench.run({
    limits: { flows: 10, services: 1 },
    onUnprogrammed: (services) => reports.push(services.map(({ service }) => service.listener)),
  });
  await bench.program(subject, dataplane(web, dns));
  assertEquals(reports, [[dns.listener]]);
  assertEquals(subject.unprogrammed.map(({ reason }) => reason), [
    "All 1 services are in use, raise --services",
  ]);
  assertMatch(
    bench.log.join("\n"),
    /Gateway test\/192.0.2.1:53, listener tcp is not programmed: All 1 services/,
  );
  await bench.program(subject, dataplane(dns));
  assertEquals([reports.length, subject.unprogrammed.length], [2, 0]);
  assertEquals([...(await bench.kernel()).services.values()].map(({ key }) => key.port), [53]);
});

Deno.test("Dataplane.programmed() rejects with the signal's reason, and for a state that was never set", async () => {
  await using bench = await FakeBench.start();
  bench.fake.stop();
  const subject = bench.run();
  const desired = dataplane(web);
  await assertRejects(() => subject.programmed(desired), TypeError, "never given to set()");
  subject.set(desired);
  await assertRejects(
    () => subject.programmed(desired, AbortSignal.abort(new Error("Enough"))),
    Error,
    "Enough",
  );
  const later = subject.programmed(desired, AbortSignal.timeout(20));
  await assertRejects(() => later, DOMException);
});

Deno.test("Dataplane.close() leaves the kernel forwarding, or takes everything away", async () => {
  await using bench = await FakeBench.start();
  const subject = bench.run();
  await bench.program(subject, dataplane(web));
  await subject.close({ unload: false });
  assertEquals((await bench.kernel()).services.size, 1);
  await subject.close({ unload: true });
  assertThrows(() => bench.fake.object(OBJECT_NAME), Error, "No object blixt is loaded");
  await subject.close({ unload: true });
});

Deno.test("Dataplane refuses an object of another layout before it writes a byte", () => {
  const object = blixtObject({ structs: { Service: { id: "u32", table: "u32", slots: "u32" } } });
  assertThrows(
    () => new Dataplane({ loader: "unix:/nowhere", object, log: () => {} }),
    LayoutError,
    "Struct Service has no field affinity",
  );
});

Deno.test("Dataplane serves with as many nodes and interfaces as there is room for, and says of the rest", async () => {
  await using bench = await FakeBench.start();
  const told: string[] = [];
  const subject = bench.run({
    onReached: (limits) => told.push(limits.map(({ message }) => message).join("; ")),
  });
  bench.fake.network.setInterfaces(
    Array.from(
      { length: 70 },
      (_, index) => fakeInterface(index + 2, `eth${index}`, { kind: index === 69 ? "" : "veth" }),
    ),
  );
  const others = Array.from({ length: 70 }, (_, index) => `10.9.0.${index}`);
  await bench.program(subject, { ...dataplane(service("192.0.2.1:80")), nodes: { own: [], others } });
  await bench.until(() => (told.at(-1) ?? "").includes("interfaces"));
  assertEquals(
    told.at(-1),
    "6 addresses of nodes are more than the map nodes holds, and what they send in tunnels is " +
      "left to the host; 6 interfaces are more than the map devices holds, and what comes in there is left to the host",
  );
  const kernel = await bench.kernel();
  assertEquals([kernel.services.size, kernel.nodes.size, kernel.devices.size], [1, 64, 64]);
  assertEquals(kernel.devices.has(71), true, "the one of hardware, which faces clients");
});
