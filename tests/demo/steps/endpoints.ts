// SPDX-License-Identifier: Apache-2.0

import { backendAddresses } from "../../netns/addresses.ts";
import { checkShares, sendBursts } from "../bursts.ts";
import type { Step } from "../context.ts";

/** A backend that leaves its EndpointSlice gets no new flow. */
export const endpoints: Step = {
  title: "b2 is taken out of the EndpointSlices in echo-stable.yaml",
  run: async (context) => {
    const { blixt, manifests } = context;
    const { ipv4, ipv6 } = backendAddresses(2);
    const lines = new RegExp(`^  - addresses: \\["(${ipv4}|${ipv6})"\\]\n`);
    await blixt.apply(() => manifests.edit("echo-stable.yaml", lines, ""));
    checkShares(context, await sendBursts(context), { b1: 0.2, b2: 0, b3: 0.8 });
  },
};
