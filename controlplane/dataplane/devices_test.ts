// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { fakeInterface } from "../loader/fake_network.ts";
import { HOOK, type Interface } from "../loader/messages.ts";
import { attachmentsOf, deviceChanges, devicesOf, fittingDevices, outwardOf } from "./devices.ts";
import { DEVICE_BRIDGE_PORT, DEVICE_OUTWARD, DEVICE_PEER } from "./layout.ts";

const lo = fakeInterface(1, "lo", { type: 772 });
const eth0 = fakeInterface(2, "eth0");
const pod = fakeInterface(3, "veth3", { kind: "veth", peerElsewhere: true });
const inside = fakeInterface(4, "veth4", { kind: "veth" });
const bridge = fakeInterface(5, "br0", { kind: "bridge" });

function flags(interfaces: readonly Interface[], named?: readonly string[]): Record<number, number> {
  return Object.fromEntries(
    [...devicesOf(interfaces, named)].map(([ifindex, device]) => [ifindex, device.flags]),
  );
}

Deno.test("devicesOf() takes every Ethernet interface, up or down, and no other", () => {
  const down = fakeInterface(6, "eth1", { up: false });
  const tunnel = fakeInterface(7, "tun0", { type: 65_534, mac: new Uint8Array() });
  assertEquals(Object.keys(flags([lo, eth0, pod, down, tunnel])), ["2", "3", "6"]);
});

Deno.test("devicesOf() takes the interface of a VLAN, which faces clients only when it is named or has the default route", () => {
  const vlan = fakeInterface(9, "eth0.7", { kind: "vlan", link: 2 });
  assertEquals(flags([eth0, vlan]), { 2: DEVICE_OUTWARD, 9: 0 });
  assertEquals(flags([eth0, vlan], ["eth0.7"]), { 2: 0, 9: DEVICE_OUTWARD });
  assertEquals(flags([eth0, { ...vlan, defaultRoute: true }]), { 2: DEVICE_OUTWARD, 9: DEVICE_OUTWARD });
});

Deno.test("devicesOf() takes loopback only where the host may send to itself, and never as facing clients", () => {
  const flags = (inside: boolean): (readonly [number, number])[] =>
    [...devicesOf([lo, eth0, pod], [], inside)].map(([ifindex, device]) => [ifindex, device.flags] as const);
  assertEquals(flags(false), [[2, DEVICE_OUTWARD], [3, DEVICE_PEER]]);
  assertEquals(flags(true), [[2, DEVICE_OUTWARD], [3, DEVICE_PEER], [1, 0]]);
  assertEquals(outwardOf(devicesOf([lo, inside], [], true)), new Set([4]));
});

Deno.test("devicesOf() carries the link-layer address", () => {
  assertEquals(devicesOf([eth0]).get(2)?.mac, "020000000002");
});

Deno.test("devicesOf() calls hardware and interfaces with a default route outward", () => {
  const uplink = fakeInterface(8, "veth8", { kind: "veth", defaultRoute: true });
  assertEquals(flags([eth0, inside, uplink]), { 2: DEVICE_OUTWARD, 4: 0, 8: DEVICE_OUTWARD });
});

Deno.test("outwardOf() has the interfaces that face clients alone", () => {
  assertEquals(outwardOf(devicesOf([eth0, inside, pod])), new Set([2]));
});

Deno.test("devicesOf() calls everything outward that belongs to no bridge where there is neither", () => {
  const port = { ...pod, master: 5 };
  assertEquals(flags([inside, bridge, port]), {
    3: DEVICE_PEER | DEVICE_BRIDGE_PORT,
    4: DEVICE_OUTWARD,
    5: DEVICE_OUTWARD,
  });
});

Deno.test("devicesOf() calls only the interfaces outward that are named, be they there or not", () => {
  assertEquals(flags([eth0, inside], ["veth4", "later0"]), { 2: 0, 4: DEVICE_OUTWARD });
});

Deno.test("devicesOf() marks a veth whose other end is elsewhere, a bridge's ports, but not a bond's", () => {
  const bond = fakeInterface(9, "bond0", { kind: "bond" });
  const slave = fakeInterface(10, "eth2", { master: 9 });
  const marked = flags([eth0, pod, { ...inside, master: 5 }, bridge, bond, slave], ["eth0"]);
  assertEquals(marked, { 2: DEVICE_OUTWARD, 3: DEVICE_PEER, 4: DEVICE_BRIDGE_PORT, 5: 0, 9: 0, 10: 0 });
});

Deno.test("devicesOf() names the bridge of a port, and no bond", () => {
  const bond = fakeInterface(9, "bond0", { kind: "bond" });
  const slave = fakeInterface(10, "eth2", { master: 9 });
  const devices = devicesOf([eth0, { ...pod, master: 5 }, bridge, bond, slave]);
  assertEquals([2, 3, 10].map((ifindex) => devices.get(ifindex)?.master), [0, 5, 0]);
});

Deno.test("attachmentsOf() has a program for what enters and one for what leaves", () => {
  assertEquals(attachmentsOf(7), [
    { program: "ingress", hook: HOOK.TCX_INGRESS, ifindex: 7 },
    { program: "egress", hook: HOOK.TCX_EGRESS, ifindex: 7 },
  ]);
});

Deno.test("attachmentsOf() has nothing for what leaves by loopback, which enters there", () => {
  assertEquals(attachmentsOf(1), [{ program: "ingress", hook: HOOK.TCX_INGRESS, ifindex: 1 }]);
});

Deno.test("deviceChanges() writes what is new or other, and takes away what is gone", () => {
  const same = { flags: 2, mac: "aa", master: 0 };
  const other = { flags: 1, mac: "ff", master: 0 };
  const moved = { flags: 4, mac: "dd", master: 9 };
  const held = new Map([[2, same], [3, { ...other, mac: "bb" }], [4, same], [5, { ...moved, master: 8 }]]);
  const wanted = new Map([[2, same], [3, other], [5, moved], [6, same]]);
  assertEquals(deviceChanges(held, wanted), [
    // First, to make room.
    { map: "devices", key: 4, value: undefined },
    { map: "devices", key: 3, value: other },
    { map: "devices", key: 5, value: moved },
    { map: "devices", key: 6, value: same },
  ]);
});

Deno.test("fittingDevices() leaves out what faces no clients, where there are more than the map holds", () => {
  const all = devicesOf([pod, { ...pod, ifindex: 8 }, eth0]);
  assertEquals([...fittingDevices(all, 2).keys()].sort(), [2, 3]);
  assertEquals([...fittingDevices(all, 3).keys()].length, 3);
});
