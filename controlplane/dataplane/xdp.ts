// SPDX-License-Identifier: Apache-2.0

import { type Attachment, HOOK, type Interface } from "../loader/messages.ts";

/** When the XDP program is used: where it is known to help, nowhere, or on every interface that faces clients. */
export const XDP_MODES = ["auto", "off", "on"] as const;
/** One of XDP_MODES. */
export type XdpMode = typeof XDP_MODES[number];

/** The XDP program: answers, refuses and sends on early what it can, and leaves the rest to the ingress program. */
export const EARLY_PROGRAM = "early";

/** Whether an interface should have the XDP program, and why. */
export interface XdpChoice {
  readonly wanted: boolean;
  readonly reason: string;
}

/**
 * Whether an interface that faces clients should have the XDP program. With "auto" those of hardware, if their
 * drivers have XDP, which only trying tells. Not a veth: its driver has XDP, but takes segments one by one from then
 * on (iperf3 through a Gateway: 1.2 Gbit/s in place of 10.5), and the kernel wakes the other end for what is sent
 * back only if that has an XDP program too. Not the interface below a VLAN: drivers take the
 * tag off before XDP sees the frame, and it would be taken for one of another network.
 */
export function xdpChoice(device: Interface, interfaces: readonly Interface[], mode: XdpMode): XdpChoice {
  if (mode === "off") return { wanted: false, reason: "switched off by --xdp off" };
  if (mode === "on") return { wanted: true, reason: "switched on by --xdp on" };
  if (device.kind === "veth") {
    return { wanted: false, reason: "with XDP a veth takes TCP segments one by one" };
  }
  if (device.kind !== "") return { wanted: false, reason: `a ${device.kind} has no driver of its own` };
  const vlan = interfaces.find((other) => other.kind === "vlan" && other.link === device.ifindex);
  if (vlan !== undefined) {
    return { wanted: false, reason: `XDP does not see the tags of VLAN ${vlan.name}` };
  }
  return { wanted: true, reason: "its driver has XDP" };
}

/** The XDP program in the driver of an interface; the generic hook comes too late to be of use. */
export function earlyAttachment(ifindex: number): Attachment {
  return { program: EARLY_PROGRAM, hook: HOOK.XDP_DRIVER, ifindex };
}

/** Whether an attachment is that of earlyAttachment(). */
export function isEarly({ program, hook }: Attachment): boolean {
  return program === EARLY_PROGRAM && hook === HOOK.XDP_DRIVER;
}
