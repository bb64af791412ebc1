// SPDX-License-Identifier: Apache-2.0

import type { Netns } from "../netns/netns.ts";

/** Packets that the topology's masquerade rules have counted: the first of each flow that netfilter saw. */
export async function readMasqueraded(host: Netns): Promise<number> {
  const { stdout } = await host.run(["nft", "list", "table", "inet", "cni"]);
  const counts = [...stdout.matchAll(/counter packets (\d+) bytes \d+ masquerade/g)].map(([, packets]) =>
    Number(packets)
  );
  if (counts.length !== 2) throw new Error(`the masquerade rules are not there: ${stdout}`);
  return counts.reduce((sum, packets) => sum + packets, 0);
}
