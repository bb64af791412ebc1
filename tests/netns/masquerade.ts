// SPDX-License-Identifier: Apache-2.0

import type { Netns } from "./netns.ts";

/** Flows of TCP and UDP that have come as far as the topology's masquerade rule. */
export async function readMasqueraded(host: Netns): Promise<number> {
  const { stdout } = await host.run(["nft", "list", "chain", "inet", "cni", "outward"]);
  const packets = /counter packets (\d+)/.exec(stdout)?.[1];
  if (packets === undefined) throw new Error(`the masquerade rule is not there: ${stdout}`);
  return Number(packets);
}
