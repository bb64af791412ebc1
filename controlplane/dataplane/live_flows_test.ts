// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { IDLE } from "./live_flows.ts";

const TRACKING = new URL("../../ebpf/src/tracking.rs", import.meta.url);

Deno.test("IDLE has the idle times by which the program itself decides", async () => {
  const source = await Deno.readTextFile(TRACKING);
  const constants = [...source.matchAll(/^pub const (\w+_IDLE): u32 = ([\d_]+(?: \+ [\d_]+)*);$/gm)];
  const times = constants.map(([, name = "", sum = ""]) => {
    return [name, sum.replaceAll("_", "").split(" + ").map(Number).reduce((a, b) => a + b)];
  });
  assertEquals(Object.fromEntries(times), IDLE);
});
