// SPDX-License-Identifier: Apache-2.0

import { readSnmp } from "./checksums.ts";
import type { Netns } from "./netns.ts";

/** ICMP and ICMPv6 "destination unreachable" messages that a network namespace has received. */
export async function readIcmpErrors(netns: Netns): Promise<number> {
  const counters = await readSnmp(netns);
  return (counters.get("Icmp.InDestUnreachs") ?? 0) + (counters.get("Icmp6InDestUnreachs") ?? 0);
}
