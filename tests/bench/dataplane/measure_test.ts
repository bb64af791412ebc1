// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseIperf, whenFree } from "./measure.ts";

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

Deno.test("whenFree() measures again while the server is busy, and not for another reason", async () => {
  const failing = (...messages: string[]) => () => {
    const message = messages.shift();
    return message === undefined ? Promise.resolve("measured") : Promise.reject(new Error(message));
  };
  const busy = "iperf3: the server is busy running a test. try again later";
  assertEquals(await whenFree(failing(busy, busy), 0), "measured");
  await assertRejects(() => whenFree(failing(busy, "refused"), 0), Error, "refused");
  await assertRejects(() => whenFree(failing(...Array(25).fill(busy)), 0), Error, "busy");
});
