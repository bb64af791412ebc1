// SPDX-License-Identifier: Apache-2.0

import { readSnmp } from "./checksums.ts";
import type { Netns } from "./netns.ts";

/** ICMP and ICMPv6 messages about packets that were too large, as those that sent these have heard. */
export async function readTooLarge(senders: readonly Netns[]): Promise<number> {
  const each = await Promise.all(senders.map(async (netns) => {
    const counters = await readSnmp(netns);
    return counters.get("Icmp.InDestUnreachs")! + counters.get("Icmp6InPktTooBigs")!;
  }));
  return each.reduce((sum, count) => sum + count, 0);
}

/** Makes a kernel forget the path MTUs that it has found out: it tells them to the other end as its MSS. */
export async function forgetPaths(netns: Netns): Promise<void> {
  for (const version of ["-4", "-6"]) await netns.run(["ip", version, "route", "flush", "cache"]);
}
