// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { encodeU32 } from "./codec.ts";
import { FakeBench } from "./fake_bench.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { OBJECT_NAME } from "./kernel.ts";
import { checkLayout } from "./layout.ts";
import { readObject } from "./object.ts";
import { NO_TRAFFIC } from "./state.ts";

const web = service("192.0.2.1:80", group(1, "10.0.0.1:8080", "10.0.0.2:8080"));
const dns = service("192.0.2.1:53", group(1, "10.0.0.3:5353"));

/** Counts flows, as one of two CPUs would have. */
function count(bench: FakeBench, map: string, id: number, flows: bigint): void {
  const { Stats } = checkLayout(readObject(bench.object));
  const none = { rx_packets: 0n, rx_bytes: 0n, tx_packets: 0n, tx_bytes: 0n, flows: 0n, refused: 0n };
  const value = [...Stats.encode({ ...none, flows }), ...Stats.encode(none)];
  bench.fake.object(OBJECT_NAME).map(map).poke(encodeU32(id), Uint8Array.from(value));
}

Deno.test("Dataplane.measure() gives each service and backend that is programmed its counters", async () => {
  await using bench = await FakeBench.start();
  const subject = bench.run({ limits: { flows: 10, services: 5, backends: 9, clients: 12 } });
  await bench.program(subject, dataplane(web, dns));
  const kernel = await bench.kernel();
  for (const { key, value } of kernel.services.values()) {
    count(bench, "service_stats", value.id, BigInt(key.port));
  }
  for (const [id, { address }] of kernel.backends) {
    count(bench, "backend_stats", id, BigInt(address.slice("10.0.0.".length)));
  }
  const measured = await subject.measure();
  assertEquals(
    measured?.services.map(({ service, traffic, backends }) => [
      service,
      traffic.flows,
      backends.map(({ name, traffic }) => `${name} ${traffic.flows}`),
    ]),
    [
      [web, 80n, ["10.0.0.1:8080 1", "10.0.0.2:8080 2"]],
      [dns, 53n, ["10.0.0.3:5353 3"]],
    ],
  );
  assertEquals(measured?.drops, { malformed: 0n, refused_tcp: 0n });
  assertEquals(measured?.uses.map(({ of, used, most }) => [of, used, most]), [
    ["flows4", 0, 10],
    ["flows6", 0, 10],
    ["services", 2, 5],
    ["backends", 3, 9],
    ["clients", 0, 12],
  ]);

  await bench.program(subject, dataplane(dns, service("192.0.2.9:1")));
  const later = await subject.measure();
  assertEquals(later?.services.map(({ service, traffic }) => [service.port, traffic]), [
    [53, { ...NO_TRAFFIC, flows: 53n }],
    [1, NO_TRAFFIC],
  ]);
});

Deno.test("Dataplane.measure() has nothing to say while there is no loader", async () => {
  await using bench = await FakeBench.start();
  let sessions = 0;
  const subject = bench.run({ onConnected: () => void sessions++ });
  assertEquals([await subject.measure(), subject.isConnected], [undefined, false]);
  await bench.program(subject, dataplane(web));
  assertEquals([sessions, subject.isConnected], [1, true]);
  bench.fake.stop();
  await bench.until(() => !subject.isConnected);
  assertEquals(await subject.measure(), undefined);
  await bench.fake.start();
  await bench.until(() => sessions === 2);
});
