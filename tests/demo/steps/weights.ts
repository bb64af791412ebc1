// SPDX-License-Identifier: Apache-2.0

import { PROTOCOLS } from "../../netns/addresses.ts";
import { checkShares, sendBursts } from "../bursts.ts";
import type { Step } from "../context.ts";

/** The share of new flows follows the weights in the routes. */
export const weights: Step = {
  title: "The weights in tcp-route.yaml and udp-route.yaml are edited: 80 to 20, 20 to 80",
  run: async (context) => {
    const { blixt, manifests } = context;
    for (const protocol of PROTOCOLS) {
      await blixt.apply(() => manifests.edit(`${protocol}-route.yaml`, /weight: (80|20)$/, swap));
    }
    checkShares(context, await sendBursts(context), { b1: 0.1, b2: 0.1, b3: 0.8 });
  },
};

function swap(_match: string, weight: string): string {
  return `weight: ${weight === "80" ? 20 : 80}`;
}
