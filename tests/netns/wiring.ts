// SPDX-License-Identifier: Apache-2.0

import { type DualStack, POD_GATEWAY } from "./addresses.ts";
import { Netns } from "./netns.ts";
import { runCommand } from "./run_command.ts";

/** Makes a network namespace whose IPv6 addresses are usable at once: duplicate address detection takes a second. */
export async function makeNetns(name: string): Promise<Netns> {
  const netns = await Netns.create(name);
  try {
    await netns.sysctl({ "net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0 });
    return netns;
  } catch (error) {
    await netns.destroy();
    throw error;
  }
}

/** One end of a veth pair: its network namespace and the interface's name there. */
export type End = readonly [netns: Netns, device: string];

/**
 * Makes a veth pair. Without offloads a sender computes each checksum itself, and no receiver takes it on trust.
 */
export async function makeVeth(one: End, other: End, options: { readonly offloads: boolean }): Promise<void> {
  const pair = `${one[1]} netns ${one[0].name} type veth peer name ${other[1]} netns ${other[0].name}`;
  await runCommand(["ip", "link", "add", ...pair.split(" ")]);
  if (options.offloads) return;
  for (const [netns, device] of [one, other]) {
    await netns.run(["ethtool", "-K", device, "tx", "off", "rx", "off", "gro", "off"]);
  }
}

/**
 * Lines of `ip` that give an interface its addresses and set it up. The kernel takes up to a second to notice a veth's
 * carrier, and at once when it is asked about the interface by name (linkwatch_sync_dev()).
 */
export function upWith(
  device: string,
  { ipv4, ipv6 }: DualStack,
  prefix4 = "/24",
  prefix6 = "/64",
): string[] {
  return [
    `address add ${ipv4}${prefix4} dev ${device}`,
    `address add ${ipv6}${prefix6} dev ${device} nodad`,
    `link set ${device} up`,
    `link show dev ${device}`,
  ];
}

/** Lines of `ip` that send everything else to a next hop. */
export function defaultRoutes({ ipv4, ipv6 }: DualStack): string[] {
  return [`route add default via ${ipv4}`, `route add default via ${ipv6}`];
}

/** Gives a pod its address, and its node the way there: point to point, as CNI's ptp plugin does. The pair is there. */
export async function addressPod(pod: Netns, node: End, address: DualStack): Promise<void> {
  const [host, device] = node;
  await host.ip([
    ...upWith(device, POD_GATEWAY, "/32", "/128"),
    `route add ${address.ipv4}/32 dev ${device}`,
    `route add ${address.ipv6}/128 dev ${device}`,
  ]);
  await pod.ip([
    ...upWith("eth0", address, "/32", "/128"),
    `route add ${POD_GATEWAY.ipv4}/32 dev eth0`,
    `route add ${POD_GATEWAY.ipv6}/128 dev eth0`,
    ...defaultRoutes(POD_GATEWAY),
  ]);
}
