// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ManualClock } from "../manual_clock.ts";
import { announcement } from "./announcement.ts";
import { Announcer } from "./announcer.ts";
import { ADDRESS_ANNOUNCE, ADDRESS_LOCAL, DEVICE_OUTWARD, DEVICE_PEER } from "./layout.ts";
import type { Change, DeviceValue } from "./operation.ts";

const mac = "02000000000a";
const outward: DeviceValue = { flags: DEVICE_OUTWARD, mac, master: 0 };
const pod: DeviceValue = { flags: DEVICE_PEER, mac: "02000000000b", master: 0 };

function gain(...addresses: string[]): Change[] {
  return addresses.map((key) => ({ map: "addresses", key, value: ADDRESS_ANNOUNCE }));
}

/** An announcer with eth0 (2) and a pod's veth (7), and what it sends: seconds, interface, number of frames. */
function subject(known: ReadonlyMap<string, number> = new Map()): {
  announcer: Announcer;
  clock: ManualClock;
  sent: string[];
  frames: Uint8Array[];
} {
  const clock = new ManualClock();
  const [sent, frames]: [string[], Uint8Array[]] = [[], []];
  const send = (ifindex: number, all: readonly Uint8Array[]): Promise<void> => {
    sent.push(`${clock.now() / 1_000} s, ${ifindex}: ${all.length}`);
    frames.push(...all);
    return Promise.resolve();
  };
  const announcer = new Announcer(known, { send, clock, signal: new AbortController().signal });
  announcer.setDevices(new Map([[2, outward], [7, pod]]));
  return { announcer, clock, sent, frames };
}

async function pass(clock: ManualClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds * 20; i++) await clock.advance(50);
}

Deno.test("Announcer announces an address three times, outward only", async () => {
  const { announcer, clock, sent, frames } = subject();
  announcer.note(gain("192.0.2.1", "2001:db8::1"));
  await pass(clock, 10);
  assertEquals(sent, ["0 s, 2: 2", "2 s, 2: 2", "4 s, 2: 2"]);
  assertEquals(frames.slice(0, 2), [announcement("192.0.2.1", mac), announcement("2001:db8::1", mac)]);
});

Deno.test("Announcer says nothing of what the kernel announced before, of the host's own, of other maps", async () => {
  const { announcer, clock, sent } = subject(new Map([["192.0.2.1", ADDRESS_ANNOUNCE]]));
  announcer.note([
    ...gain("192.0.2.1"),
    { map: "addresses", key: "192.0.2.2", value: ADDRESS_LOCAL },
    { map: "devices", key: 2, value: outward },
  ]);
  announcer.setDevices(new Map([[2, outward], [7, pod]]));
  await pass(clock, 5);
  assertEquals(sent, []);
});

Deno.test("Announcer stops when an address goes to another node, and announces it when it comes back", async () => {
  const { announcer, clock, sent } = subject();
  announcer.note(gain("192.0.2.1"));
  await pass(clock, 1);
  announcer.note([{ map: "addresses", key: "192.0.2.1", value: 0 }]);
  await pass(clock, 5);
  assertEquals(sent, ["0 s, 2: 1"]);
  announcer.note(gain("192.0.2.1"));
  await pass(clock, 1);
  assertEquals(sent.slice(1), ["6 s, 2: 1"]);
});

Deno.test("Announcer announces everything on an interface that appears, or that has another MAC address", async () => {
  const { announcer, clock, sent, frames } = subject(new Map([["192.0.2.1", ADDRESS_ANNOUNCE]]));
  announcer.setDevices(new Map([[2, outward], [3, outward]]));
  await pass(clock, 1);
  assertEquals(sent, ["0 s, 3: 1"]);
  announcer.setDevices(new Map([[2, { ...outward, mac: "02000000000c" }]]));
  await pass(clock, 3);
  assertEquals(sent.slice(1), ["1 s, 2: 1", "3 s, 2: 1"]);
  assertEquals(frames.at(-1), announcement("192.0.2.1", "02000000000c"));
});

Deno.test("Announcer takes its time for thousands", async () => {
  const { announcer, clock, sent } = subject();
  announcer.note(gain(...Array.from({ length: 3_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)));
  await pass(clock, 1);
  const total = sent.reduce((sum, line) => sum + Number(line.split(": ")[1]), 0);
  assertEquals([sent[0], sent[1], total <= 1_100], ["0 s, 2: 100", "0.1 s, 2: 100", true]);
  await pass(clock, 10);
  assertEquals(sent.length, 90);
});

Deno.test("Announcer goes on with others where one interface cannot send", async () => {
  const clock = new ManualClock();
  const told: number[] = [];
  const send = (ifindex: number): Promise<void> => {
    told.push(ifindex);
    return ifindex === 2 ? Promise.reject(new Error("The interface is down")) : Promise.resolve();
  };
  const announcer = new Announcer(new Map(), { send, clock, signal: new AbortController().signal });
  announcer.setDevices(new Map([[2, outward], [3, outward]]));
  announcer.note(gain("192.0.2.1"));
  await pass(clock, 5);
  assertEquals(told, [2, 3, 3, 3]);
});
