// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { Background } from "../../netns/background.ts";
import { cpuTime, parseSchedstat, spentBetween, threadTimes, withCpu } from "./cpu.ts";

Deno.test("parseSchedstat() takes the time on a processor, and neither the wait nor the turns", () => {
  assertEquals(parseSchedstat("1500000000 99 7\n"), 1.5);
});

Deno.test("withCpu() adds what other processes took to what the work says of itself", async () => {
  await using busy = new Background(["sh", "-c", "while :; do :; done"]);
  await using idle = new Background(["sleep", "60"]);
  const { cpu } = await withCpu([busy.pid], async () => {
    for (let attempt = 0; attempt < 100 && cpuTime([busy.pid]) < 0.1; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { cpu: 100 };
  });
  assert(cpu > 100.05 && cpu < 105, `${cpu} s`);
  assert(cpuTime([idle.pid]) < 0.05);
});

Deno.test("cpuTime() is 0 for a process that has ended", () => {
  // Process ids end at 4,194,304 (PID_MAX_LIMIT).
  assertEquals(cpuTime([4_194_305]), 0);
});

Deno.test("spentBetween() counts threads that began meanwhile, and takes nothing off for those that ended", () => {
  const before = new Map([[1, 10], [2, 500]]);
  const after = new Map([[1, 11.5], [3, 0.25]]);
  assertEquals(spentBetween(before, after), 1.75);
  assertEquals(spentBetween(before, before), 0);
});

Deno.test("threadTimes() tells the time of every thread of a process, and nothing of one that is not there", () => {
  const times = threadTimes([Deno.pid]);
  assert(times.has(Deno.pid) && times.size > 1);
  assert(times.get(Deno.pid)! > 0);
  assertEquals(threadTimes([4_194_305]), new Map());
});
