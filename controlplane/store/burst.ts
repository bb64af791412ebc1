// SPDX-License-Identifier: Apache-2.0

import { type Clock, monotonicClock } from "../clock.ts";

/** How a burst of changes is merged. */
export interface BurstOptions {
  /** Milliseconds of quiet that end a burst. Default 10. */
  readonly quiet?: number;
  /** Milliseconds after which a burst that will not end is handed out all the same. Default 100. */
  readonly longest?: number;
  readonly clock?: Clock;
}

/**
 * Merges a burst of notifications into one: `next` resolves when there was
 * at least one notification since the last `next` and then none for the quiet
 * time, or when the oldest has waited for the longest delay.
 */
export class Burst {
  readonly #quiet: number;
  readonly #longest: number;
  readonly #clock: Clock;
  /** Times of the first and the latest notification not handed out yet. */
  #first: number | undefined;
  #latest = 0;
  #wake: (() => void) | undefined;

  constructor(options: BurstOptions = {}) {
    this.#quiet = options.quiet ?? 10;
    this.#longest = options.longest ?? 100;
    this.#clock = options.clock ?? monotonicClock;
  }

  /** Something changed. */
  notify(): void {
    this.#latest = this.#clock.now();
    this.#first ??= this.#latest;
    this.#wake?.();
  }

  /** Waits for the next burst to end. For one waiter at a time; rejects with the signal's reason. */
  async next(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#first === undefined) {
        await this.#notified(signal);
        continue;
      }
      const end = Math.min(this.#latest + this.#quiet, this.#first + this.#longest);
      const wait = end - this.#clock.now();
      if (wait <= 0) {
        this.#first = undefined;
        return;
      }
      await this.#clock.sleep(wait, signal);
    }
  }

  #notified(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      this.#wake = () => {
        this.#wake = undefined;
        signal.removeEventListener("abort", abort);
        resolve();
      };
    });
  }
}
