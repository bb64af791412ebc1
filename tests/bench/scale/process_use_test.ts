// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseCpu, parseMemory, readProcessUse } from "./process_use.ts";

Deno.test("parseCpu() adds user and system time, whatever the program is called", () => {
  assertEquals(parseCpu("7 (a) b) R 1 7 7 0 -1 4194304 10 0 0 0 250 75 0 0 20 0 4 0 100 1000 50"), 3.25);
});

Deno.test("parseMemory() reads kibibytes as megabytes", () => {
  assertEquals(parseMemory("VmPeak:\t 9 kB\nVmHWM:\t  2000000 kB\nVmRSS:\t  1000000 kB\n"), {
    memory: 1_024,
    mostMemory: 2_048,
  });
});

Deno.test("readProcessUse() reads what this process has used", () => {
  const { cpu, memory, mostMemory } = readProcessUse(Deno.pid);
  assertEquals([cpu > 0, memory > 10, mostMemory >= memory], [true, true, true]);
});
