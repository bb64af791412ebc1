// SPDX-License-Identifier: Apache-2.0

import { type Clock, monotonicClock } from "../clock.ts";

/**
 * Keys that wait for a worker, in order, each once. A key that is added while
 * a worker has it comes again when that worker is done, so no two workers
 * ever have the same one.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<string>();
  readonly #taken = new Set<string>();
  /** Taken keys that were added again. */
  readonly #again = new Set<string>();
  readonly #delayed = new Set<string>();
  readonly #idle: (() => void)[] = [];

  /** The signal ends delays and waiting workers. */
  constructor(signal: AbortSignal, clock: Clock = monotonicClock) {
    this.#signal = signal;
    this.#clock = clock;
    signal.addEventListener("abort", () => this.#wakeAll(), { once: true });
  }

  /** Adds a key now. */
  add(key: string): void {
    if (this.#taken.has(key)) this.#again.add(key);
    else {
      this.#waiting.add(key);
      this.#idle.shift()?.();
    }
  }

  /** Adds a key after so many milliseconds; one that is delayed already keeps its time. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#delayed.has(key)) return;
    this.#delayed.add(key);
    this.#clock.sleep(milliseconds, this.#signal).then(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, () => this.#delayed.delete(key));
  }

  /** The next key, when there is one; undefined when the signal has aborted. */
  async take(): Promise<string | undefined> {
    while (!this.#signal.aborted) {
      for (const key of this.#waiting) {
        this.#waiting.delete(key);
        this.#taken.add(key);
        return key;
      }
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    return undefined;
  }

  /** The worker is done with the key it took. */
  done(key: string): void {
    this.#taken.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  #wakeAll(): void {
    for (const wake of this.#idle.splice(0)) wake();
  }
}
