// SPDX-License-Identifier: Apache-2.0

// Services at an address of the host's own: what the host sends there comes by the loopback interface, and nothing
// else of that is any of our business.

import { assertEquals, assertMatch } from "@std/assert";
import { fakeInterface } from "../loader/fake_network.ts";
import type { Interface } from "../loader/messages.ts";
import { wireAddress } from "./address.ts";
import { FakeBench } from "./fake_bench.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { OBJECT_NAME } from "./kernel.ts";

const OWN = "192.0.2.1";
const own = service(`${OWN}:80`, group(1, "10.0.0.1:8080"));
const foreign = service("192.0.2.2:80", group(1, "10.0.0.1:8080"));

const lo = fakeInterface(1, "lo", { type: 772, mac: new Uint8Array(6) });

function eth0(...addresses: string[]): Interface {
  return fakeInterface(2, "eth0", { addresses: addresses.map(wireAddress) });
}

/** "1 ingress": what hangs where, in order. */
function hanging(bench: FakeBench): string[] {
  return bench.fake.object(OBJECT_NAME).describe().attachments
    .map(({ ifindex, program }) => `${ifindex} ${program}`).sort();
}

const USUAL = ["2 egress", "2 ingress"];
const INSIDE = ["1 ingress", ...USUAL];

Deno.test("Dataplane leaves loopback alone while no service has an address of the host's", async () => {
  await using bench = await FakeBench.start();
  bench.fake.network.setInterfaces([lo, eth0(OWN)]);
  await bench.program(bench.run(), dataplane(foreign));
  assertEquals(hanging(bench), USUAL);
  assertEquals([...(await bench.kernel()).devices.keys()], [2]);
});

Deno.test("Dataplane has what enters by loopback while a service has an address of the host's", async () => {
  await using bench = await FakeBench.start();
  bench.fake.network.setInterfaces([lo, eth0(OWN)]);
  const running = bench.run();
  await bench.program(running, dataplane(own, foreign));
  assertEquals(hanging(bench), INSIDE);
  assertEquals((await bench.kernel()).devices.get(1), { flags: 0, mac: "000000000000", master: 0 });
  assertMatch(bench.log.join("\n"), /Attached to interface lo$/m);
  await bench.program(running, dataplane(foreign));
  assertEquals(hanging(bench), USUAL);
  assertEquals([...(await bench.kernel()).devices.keys()], [2]);
});

Deno.test("Dataplane follows when the host gets a service's address, or loses it", async () => {
  await using bench = await FakeBench.start();
  bench.fake.network.setInterfaces([lo, eth0()]);
  await bench.program(bench.run(), dataplane(own));
  assertEquals(hanging(bench), USUAL);
  bench.fake.network.setInterfaces([lo, eth0(OWN)]);
  await bench.until(() => hanging(bench).length === INSIDE.length);
  bench.fake.network.setInterfaces([lo, eth0()]);
  await bench.until(() => hanging(bench).length === USUAL.length);
});

Deno.test("Dataplane finds an address of the host's on the loopback interface itself", async () => {
  await using bench = await FakeBench.start();
  bench.fake.network.setInterfaces([{ ...lo, addresses: [wireAddress(OWN)] }, eth0()]);
  await bench.program(bench.run(), dataplane(own));
  assertEquals(hanging(bench), INSIDE);
});

Deno.test("Dataplane that starts again keeps what hangs at loopback, without a gap", async () => {
  await using bench = await FakeBench.start();
  bench.fake.network.setInterfaces([lo, eth0(OWN)]);
  const before = new AbortController();
  const first = bench.make();
  const running = first.run(before.signal);
  await bench.program(first, dataplane(own));
  before.abort();
  await running;
  const { calls } = bench.fake.faults;
  const already = calls.length;
  await bench.program(bench.run(), dataplane(own));
  assertEquals(calls.slice(already).filter((call) => call === "attach" || call === "detach"), []);
  assertEquals(hanging(bench), INSIDE);
});
