// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseXdpCounters } from "./xdp_counters.ts";

Deno.test("parseXdpCounters() adds up the queues and takes no other counter for one of them", () => {
  const text = `NIC statistics:
     peer_ifindex: 2
     rx_queue_0_xdp_packets: 10
     rx_queue_0_xdp_bytes: 999
     rx_queue_0_drops: 7
     rx_queue_0_xdp_drops: 2
     rx_queue_0_xdp_tx: 3
     rx_queue_0_xdp_tx_errors: 50
     rx_queue_1_xdp_packets: 5
     rx_queue_1_xdp_tx: 4
     tx_queue_0_xdp_xmit: 60
`;
  assertEquals(parseXdpCounters(text), { packets: 15, tx: 7, drops: 2 });
  assertEquals(parseXdpCounters("NIC statistics:\n     peer_ifindex: 2\n"), { packets: 0, tx: 0, drops: 0 });
});
