// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";

/** Milliseconds of a look, and how many there are at most. */
const LOOK = 1_000;
const MOST = 30;

/** Seconds of processor time in one look that whoever only waits may take. */
const IDLE = 0.02;

/**
 * Waits until programs have done what comes after their start: statuses are written, memory is collected, addresses are
 * announced. Returns all the same after half a minute: a program that is never idle is to be measured as it is.
 */
export async function settle(
  cpuTime: () => number,
  wait: (milliseconds: number) => Promise<void> = delay,
): Promise<void> {
  for (let look = 0; look < MOST; look++) {
    const before = cpuTime();
    await wait(LOOK);
    // Time of threads that end is not told any more.
    if (Math.abs(cpuTime() - before) < IDLE) return;
  }
}
