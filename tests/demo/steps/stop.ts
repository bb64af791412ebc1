// SPDX-License-Identifier: Apache-2.0

import { FAMILIES } from "../../netns/addresses.ts";
import { sendFlows } from "../../netns/traffic.ts";
import { label, type Step } from "../context.ts";

/** SIGTERM is the end, unlike SIGKILL. */
export const stop: Step = {
  title: "deno task start is ended with SIGTERM",
  run: async ({ blixt, topology, checks }) => {
    await blixt.stop();
    const left = topology.host.leftBehind();
    checks.check(left.length === 0, "Nothing stays pinned, no socket is left", left.join(", "));
    for (const family of FAMILIES) {
      const report = await sendFlows(topology, { protocol: "udp", family, flows: 5, timeout: 300 });
      checks.check(
        report.answered === 0,
        "Nobody forwards any more: the host's own forwarding was off all the time",
        `${label("udp", family)}: ${report.answered} of ${report.flows} answered`,
      );
    }
  },
};
