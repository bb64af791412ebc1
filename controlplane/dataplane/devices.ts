// SPDX-License-Identifier: Apache-2.0

import { type Attachment, HOOK, type Interface } from "../loader/messages.ts";
import {
  DEVICE_BRIDGE_PORT,
  DEVICE_OUTWARD,
  DEVICE_PEER,
  EGRESS_PROGRAM,
  INGRESS_PROGRAM,
} from "./layout.ts";
import type { Change, DeviceValue } from "./operation.ts";

/** ARPHRD_ETHER of linux/if_arp.h. */
const ARPHRD_ETHER = 1;

/** Index of every network namespace's loopback interface: LOOPBACK_IFINDEX of net/flow.h. */
const LOOPBACK = 1;

/** Bytes of an Ethernet address. */
const MAC_SIZE = 6;

/** Whether frames there have the header that the programs read. */
export function isEthernet({ type, mac }: Interface): boolean {
  return type === ARPHRD_ETHER && mac.length === MAC_SIZE;
}

/**
 * The element of every interface that gets the programs: all Ethernet ones, up or down, since replies enter
 * from pods and clients may come from anywhere, and the host's own packets leave by any. What the host sends to an
 * address of its own comes by the loopback interface alone, which has others' traffic too: only with `inside`.
 *
 * Outward, i.e. facing clients, are the interfaces named. When none is named: those with a default route and
 * those of hardware; where there is neither (a bare network namespace), all that belong to no bridge or bond.
 */
export function devicesOf(
  interfaces: readonly Interface[],
  named: readonly string[] = [],
  inside = false,
): Map<number, DeviceValue> {
  const ethernet = interfaces.filter(isEthernet);
  const outward = outwardDevices(ethernet, named);
  const bridges = new Set(
    interfaces.filter((device) => device.kind === "bridge").map((device) => device.ifindex),
  );
  const loopback = interfaces.filter(({ ifindex }) => inside && ifindex === LOOPBACK);
  return new Map([...ethernet, ...loopback].map((device) => {
    const flags = (device.kind === "veth" && device.peerElsewhere ? DEVICE_PEER : 0) |
      (outward.has(device.ifindex) ? DEVICE_OUTWARD : 0) |
      (bridges.has(device.master) ? DEVICE_BRIDGE_PORT : 0);
    const master = bridges.has(device.master) ? device.master : 0;
    return [device.ifindex, { flags, mac: hex(device.mac), master }];
  }));
}

function hex(bytes: Uint8Array): string {
  // A copy: what protobuf hands out is a Buffer, which has its own toString() and no toHex().
  return Uint8Array.from(bytes).toHex();
}

function outwardDevices(ethernet: readonly Interface[], named: readonly string[]): Set<number> {
  const indices = (devices: readonly Interface[]): Set<number> =>
    new Set(devices.map((device) => device.ifindex));
  if (named.length > 0) return indices(ethernet.filter((device) => named.includes(device.name)));
  const found = ethernet.filter((device) => device.defaultRoute || device.kind === "");
  return indices(found.length > 0 ? found : ethernet.filter((device) => device.master === 0));
}

/** Indices of those that face clients. */
export function outwardOf(devices: ReadonlyMap<number, DeviceValue>): Set<number> {
  const facing = [...devices].filter(([, { flags }]) => (flags & DEVICE_OUTWARD) !== 0);
  return new Set(facing.map(([ifindex]) => ifindex));
}

/** Those that there is room for: the ones that face clients first, for without them nothing comes in. */
export function fittingDevices(
  devices: ReadonlyMap<number, DeviceValue>,
  most: number,
): ReadonlyMap<number, DeviceValue> {
  if (devices.size <= most) return devices;
  const outward = outwardOf(devices);
  const sorted = [...devices].sort(([a], [b]) => Number(outward.has(b)) - Number(outward.has(a)));
  return new Map(sorted.slice(0, most));
}

/** Changes of `devices` from what it holds to what it should hold. */
export function deviceChanges(
  held: ReadonlyMap<number, DeviceValue>,
  wanted: ReadonlyMap<number, DeviceValue>,
): Change[] {
  const puts = [...wanted].filter(([ifindex, { flags, mac, master }]) => {
    const known = held.get(ifindex);
    return known?.flags !== flags || known.mac !== mac || known.master !== master;
  });
  const gone = [...held.keys()].filter((ifindex) => !wanted.has(ifindex));
  return [
    // What goes makes room.
    ...gone.map((key): Change => ({ map: "devices", key, value: undefined })),
    ...puts.map(([key, value]): Change => ({ map: "devices", key, value })),
  ];
}

/**
 * Each program at its TCX hook of an interface; the one that lets in comes after the one that it lets in to. What leaves
 * by loopback enters by it.
 */
export function attachmentsOf(ifindex: number): Attachment[] {
  const ingress = { program: INGRESS_PROGRAM, hook: HOOK.TCX_INGRESS, ifindex };
  if (ifindex === LOOPBACK) return [ingress];
  return [
    ingress,
    { program: EGRESS_PROGRAM, hook: HOOK.TCX_EGRESS, ifindex },
  ];
}
