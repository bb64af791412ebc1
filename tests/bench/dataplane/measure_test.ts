// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { parseIperf } from "./measure.ts";

Deno.test("parseIperf() takes the receiver's bytes and the client's share of a processor", () => {
  const text = JSON.stringify({
    end: {
      sum_sent: { bytes: 3e9, seconds: 2 },
      sum_received: { bytes: 2e9, seconds: 2 },
      cpu_utilization_percent: { host_total: 75, remote_total: 50 },
    },
  });
  assertEquals(parseIperf(text), { bytes: 2e9, seconds: 2, cpu: 1.5 });
});

Deno.test("parseIperf() throws with the words of iperf3", () => {
  const text = JSON.stringify({ end: {}, error: "unable to connect to server: Connection refused" });
  assertThrows(() => parseIperf(text), Error, "iperf3: unable to connect to server: Connection refused");
  assertThrows(() => parseIperf("{}"), Error, "iperf3: no result");
});
