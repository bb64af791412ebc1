// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ManualClock } from "../../manual_clock.ts";
import { Watchdog } from "./watchdog.ts";

Deno.test("Watchdog aborts when nothing was heard for too long, counted from the last time", async () => {
  const clock = new ManualClock();
  const watchdog = new Watchdog(10_000, clock, new AbortController().signal);
  await clock.advance(9_000);
  watchdog.heard();
  await clock.advance(9_999);
  assertEquals(watchdog.signal.aborted, false);
  await clock.advance(1);
  assertEquals((watchdog.signal.reason as Error).message, "Nothing was heard for 10 s");
});

Deno.test("Watchdog aborts with the outer signal, and then sleeps no more", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const watchdog = new Watchdog(10_000, clock, stop.signal);
  await clock.advance(1);
  stop.abort(new Error("enough"));
  assertEquals((watchdog.signal.reason as Error).message, "enough");
  await clock.advance(0);
  assertEquals(clock.sleeping, 0);
});

Deno.test("Watchdog.stop() ends the guard", async () => {
  const clock = new ManualClock();
  const watchdog = new Watchdog(10_000, clock, new AbortController().signal);
  watchdog.stop();
  await clock.advance(60_000);
  assertEquals(watchdog.signal.aborted, false);
});
