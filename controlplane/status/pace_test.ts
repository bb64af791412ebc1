// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Pace } from "./pace.ts";

/** Times at which a key is written when somebody wants to at every millisecond of so many. */
function writes(pace: Pace, key: string, from: number, milliseconds: number): number[] {
  const times: number[] = [];
  for (let now = from; now < from + milliseconds; now++) {
    if (pace.wait(key, now) > 0) continue;
    pace.written(key, now);
    times.push(now);
  }
  return times;
}

Deno.test("Pace lets the first write go at once and spaces the next ones further and further", () => {
  assertEquals(writes(new Pace(), "a", 0, 4_000), [0, 100, 300, 700, 1_500, 2_300, 3_100, 3_900]);
});

Deno.test("Pace.wait() counts down", () => {
  const pace = new Pace();
  pace.written("a", 1_000);
  assertEquals([1_000, 1_060, 1_100, 9_000].map((now) => pace.wait("a", now)), [100, 40, 0, 0]);
});

Deno.test("Pace begins anew for a key that was quiet", () => {
  const pace = new Pace();
  writes(pace, "a", 0, 4_000);
  assertEquals(writes(pace, "a", 10_000, 350), [10_000, 10_100, 10_300]);
});

Deno.test("Pace keeps keys apart, and forgets those that are quiet", () => {
  const pace = new Pace();
  for (let key = 0; key < 2_000; key++) pace.written(`k${key}`, key * 10);
  assertEquals(pace.wait("k1999", 19_990), 100);
  assertEquals(pace.wait("new", 19_990), 0);
});

Deno.test("Pace holds a minute of ceaseless wishes to write far below two hundred writes", () => {
  assertEquals(writes(new Pace(), "a", 0, 60_000).length, 78);
});

Deno.test("Pace lets a key be written at once when the clock was set back, and spaces what follows", () => {
  const pace = new Pace();
  pace.written("a", 3_600_000);
  assertEquals(writes(pace, "a", 0, 350), [0, 200]);
});
