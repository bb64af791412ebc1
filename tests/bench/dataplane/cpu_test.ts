// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseBusy, withBusy } from "./cpu.ts";

Deno.test("parseBusy() adds what was work, and neither idle time nor time stolen", () => {
  const text = "cpu  100 20 3000 99999 88888 400 500 77777 66 55\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
  assertEquals(parseBusy(text), (100 + 20 + 3000 + 400 + 500) / 100);
});

Deno.test("parseBusy() throws on another format", () => {
  assertThrows(() => parseBusy("cpu0 1 2 3\n"), Error, "no line for all processors");
});

Deno.test("withBusy() sees a loop that keeps a processor busy", async () => {
  const { result, busy } = await withBusy(() => {
    const end = performance.now() + 300;
    let turns = 0;
    while (performance.now() < end) turns++;
    return Promise.resolve(turns);
  });
  assert(result > 0);
  assert(busy >= 0.05, `${busy} s`);
});
