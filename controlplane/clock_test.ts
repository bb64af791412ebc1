// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { systemClock, timestamp } from "./clock.ts";
import { ManualClock } from "./manual_clock.ts";

Deno.test("timestamp() writes whole seconds", () => {
  assertEquals(timestamp(Date.UTC(2026, 0, 31, 12, 0, 0, 999)), "2026-01-31T12:00:00Z");
});

Deno.test("systemClock.sleep() ends after its time", async () => {
  const before = performance.now();
  await systemClock.sleep(20, new AbortController().signal);
  assertEquals(performance.now() - before >= 19, true);
});

Deno.test("systemClock.sleep() rejects with the signal's reason, before and while it sleeps", async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort(new Error("enough"));
  await assertRejects(() => sleeping, Error, "enough");
  await assertRejects(() => systemClock.sleep(60_000, stop.signal), Error, "enough");
});

Deno.test("ManualClock wakes sleepers in the order of their times, those that woken ones begin too", async () => {
  const clock = new ManualClock(1_000);
  const { signal } = new AbortController();
  const woken: [string, number][] = [];
  clock.sleep(30, signal).then(() => woken.push(["late", clock.now()]));
  clock.sleep(10, signal).then(async () => {
    woken.push(["early", clock.now()]);
    await clock.sleep(5, signal);
    woken.push(["second", clock.now()]);
  });
  await clock.advance(29);
  assertEquals(woken, [["early", 1_010], ["second", 1_015]]);
  await clock.advance(1);
  assertEquals(woken.at(-1), ["late", 1_030]);
  assertEquals(clock.sleeping, 0);
});

Deno.test("ManualClock.sleep() rejects with the signal's reason and forgets the sleeper", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const sleeping = clock.sleep(10, stop.signal);
  assertEquals(clock.nextWake, 10);
  stop.abort(new Error("enough"));
  await assertRejects(() => sleeping, Error, "enough");
  assertEquals(clock.sleeping, 0);
  assertEquals(clock.nextWake, undefined);
});
