// SPDX-License-Identifier: Apache-2.0

import type { Netns } from "./netns.ts";

/** What XDP programs did with the frames that came in at a veth, as its driver counts. */
export interface XdpCounters {
  /** Frames that a program saw. */
  readonly packets: number;
  /** Sent back out. */
  readonly tx: number;
  readonly drops: number;
}

/** Reads them of a veth in a network namespace. */
export async function readXdpCounters(netns: Netns, device: string): Promise<XdpCounters> {
  return parseXdpCounters((await netns.run(["ethtool", "--statistics", device])).stdout);
}

/** Adds up the queues in what `ethtool --statistics` prints. */
export function parseXdpCounters(text: string): XdpCounters {
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^\\s*rx_queue_\\d+_xdp_${name}: (\\d+)$`, "gm"))]
      .reduce((total, [, count]) => total + Number(count), 0);
  return { packets: sum("packets"), tx: sum("tx"), drops: sum("drops") };
}
