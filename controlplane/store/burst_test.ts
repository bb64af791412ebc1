// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { ManualClock } from "../manual_clock.ts";
import { Burst } from "./burst.ts";

interface Fixture {
  readonly clock: ManualClock;
  readonly burst: Burst;
  /** Times at which bursts were handed out. */
  readonly ends: number[];
  readonly stop: () => Promise<void>;
}

function watchBursts(): Fixture {
  const clock = new ManualClock();
  const burst = new Burst({ quiet: 10, longest: 100, clock });
  const ends: number[] = [];
  const stop = new AbortController();
  const running = (async () => {
    for (;;) {
      await burst.next(stop.signal);
      ends.push(clock.now());
    }
  })();
  return {
    clock,
    burst,
    ends,
    async stop(): Promise<void> {
      stop.abort(new Error("over"));
      await assertRejects(() => running, Error, "over");
    },
  };
}

Deno.test("Burst.next() hands a burst out once, after the quiet time", async () => {
  const { clock, burst, ends, stop } = watchBursts();
  await clock.advance(50);
  for (let notification = 0; notification < 5; notification++) {
    burst.notify();
    await clock.advance(4);
  }
  await clock.advance(100);
  assertEquals(ends, [76], "10 ms after the last, at 66 ms");
  await stop();
});

Deno.test("Burst.next() hands a burst that will not end out after the longest delay, again and again", async () => {
  const { clock, burst, ends, stop } = watchBursts();
  for (let notification = 0; notification < 50; notification++) {
    burst.notify();
    await clock.advance(5);
  }
  assertEquals(ends, [100, 200]);
  await stop();
});

Deno.test("Burst.next() hands out at once what ended before anybody waited", async () => {
  const clock = new ManualClock();
  const burst = new Burst({ quiet: 10, longest: 100, clock });
  burst.notify();
  await clock.advance(10);
  await burst.next(new AbortController().signal);
  assertEquals(clock.sleeping, 0);
});

Deno.test("Burst.next() loses no notification that comes while a burst is being worked on", async () => {
  const { clock, burst, ends, stop } = watchBursts();
  burst.notify();
  await clock.advance(10);
  burst.notify();
  await clock.advance(10);
  assertEquals(ends, [10, 20]);
  await stop();
});

Deno.test("Burst.next() hands out in time although the machine's clock is set back meanwhile", async () => {
  const burst = new Burst({ quiet: 10, longest: 10 });
  burst.notify();
  const { now } = Date;
  Date.now = () => now() - 3_600_000;
  try {
    await deadline(burst.next(new AbortController().signal), 60_000);
  } finally {
    Date.now = now;
  }
});
