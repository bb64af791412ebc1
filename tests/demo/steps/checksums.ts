// SPDX-License-Identifier: Apache-2.0

import { readChecksumCounters } from "../../netns/checksums.ts";
import type { Step } from "../context.ts";

/** What the receivers' kernels counted during all that went before. */
export const checksums: Step = {
  title: "Every receiver verified every checksum (offloads are off)",
  run: async ({ topology, checks }) => {
    const ends = [{ name: "the client", netns: topology.client }, ...topology.backends];
    for (const { name, netns } of ends) {
      const { tcpReceived, udpReceived, udp6Received, wrong } = await readChecksumCounters(netns);
      checks.check(
        wrong === 0 && tcpReceived > 0 && udpReceived > 0 && udp6Received > 0,
        `${name}: no wrong checksum`,
        `${tcpReceived} TCP segments, ${udpReceived + udp6Received} UDP datagrams`,
      );
    }
  },
};
