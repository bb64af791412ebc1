// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { LoaderClient } from "../loader/client.ts";
import { FakeLoader } from "../loader/fake.ts";
import { fakeInterface } from "../loader/fake_network.ts";
import type { Interface } from "../loader/messages.ts";
import { scenarioObject, smallerObject } from "../loader/scenario_object.ts";
import { EarlyProgram } from "./early_program.ts";
import { isEarly, type XdpMode } from "./xdp.ts";

const eth0 = fakeInterface(2, "eth0");
const eth1 = fakeInterface(3, "eth1");
const veth = fakeInterface(4, "veth4", { kind: "veth" });
const OUTWARD = new Set([2, 3, 4]);

/** The program in front of a fake loader with an object that has it. */
class Bench implements AsyncDisposable {
  readonly log: string[] = [];
  readonly #folder = Deno.makeTempDirSync();
  readonly fake = new FakeLoader({ socket: `${this.#folder}/loader.sock` });
  readonly client = new LoaderClient(this.fake.target);

  static async start(object = scenarioObject()): Promise<Bench> {
    const bench = new Bench();
    bench.fake.network.setInterfaces([eth0, eth1, veth]);
    await bench.fake.start();
    await bench.client.load({ name: "x", object });
    return bench;
  }

  subject(mode: XdpMode): EarlyProgram {
    const { client } = this;
    const subject = new EarlyProgram({ client, mode, log: (line) => this.log.push(line) });
    subject.adopt(this.fake.object("x").describe());
    return subject;
  }

  update(subject: EarlyProgram, interfaces: readonly Interface[], outward = OUTWARD): Promise<void> {
    return subject.update("x", interfaces, outward, AbortSignal.timeout(60_000));
  }

  attached(): number[] {
    const { attachments } = this.fake.object("x").describe();
    return attachments.filter(isEarly).map(({ ifindex }) => ifindex).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    this.fake.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("EarlyProgram.update() attaches where it helps, and says once of each interface what it has and why", async () => {
  await using bench = await Bench.start();
  const subject = bench.subject("auto");
  for (let i = 0; i < 2; i++) await bench.update(subject, [eth0, eth1, veth]);
  assertEquals(bench.attached(), [2, 3]);
  assertEquals(bench.log.toSorted(), [
    "Interface eth0 has XDP and TCX: its driver has XDP",
    "Interface eth1 has XDP and TCX: its driver has XDP",
    "Interface veth4 has TCX alone: with XDP a veth takes TCP segments one by one",
  ]);
});

Deno.test("EarlyProgram.update() leaves interfaces alone that do not face clients", async () => {
  await using bench = await Bench.start();
  const subject = bench.subject("on");
  await bench.update(subject, [eth0, eth1, veth], new Set([4]));
  assertEquals(bench.attached(), [4]);
  assertEquals(bench.log, ["Interface veth4 has XDP and TCX: switched on by --xdp on"]);
});

Deno.test("EarlyProgram.update() says once that an interface refuses, goes on with the others, and tries again with news", async () => {
  await using bench = await Bench.start();
  bench.fake.faults.xdpRefusals.set(2, "another XDP program is there");
  const subject = bench.subject("auto");
  for (let i = 0; i < 2; i++) await bench.update(subject, [eth0, eth1]);
  assertEquals(bench.attached(), [3]);
  assertEquals(bench.log.filter((line) => line.includes("eth0")), [
    "Interface eth0 has TCX alone: another XDP program is there",
  ]);
  bench.fake.faults.xdpRefusals.clear();
  await bench.update(subject, [eth0, eth1]);
  assertEquals(bench.attached(), [2, 3]);
  assertEquals(bench.log.at(-1), "Interface eth0 has XDP and TCX: its driver has XDP");
});

Deno.test("EarlyProgram.update() takes the program off where it is no more wanted, also one it took over", async () => {
  await using bench = await Bench.start();
  await bench.update(bench.subject("on"), [eth0, eth1, veth]);
  assertEquals(bench.attached(), [2, 3, 4]);
  const next = bench.subject("auto");
  await bench.update(next, [eth0, eth1, veth]);
  assertEquals(bench.attached(), [2, 3]);
  await bench.update(next, [eth0, eth1, veth], new Set([3]));
  assertEquals(bench.attached(), [3]);
  await bench.update(bench.subject("off"), [eth0, eth1, veth]);
  assertEquals(bench.attached(), []);
});

Deno.test("EarlyProgram.update() keeps what it took over without touching it", async () => {
  await using bench = await Bench.start();
  await bench.update(bench.subject("auto"), [eth0, eth1]);
  const next = bench.subject("auto");
  bench.fake.faults.order({ method: "attach", code: 13, message: "Nobody should ask" });
  await bench.update(next, [eth0, eth1]);
  assertEquals(bench.attached(), [2, 3]);
});

Deno.test("EarlyProgram.update() does nothing with an object that has no such program", async () => {
  await using bench = await Bench.start(smallerObject());
  await bench.update(bench.subject("on"), [eth0]);
  assertEquals([bench.attached(), bench.log], [[], []]);
});
