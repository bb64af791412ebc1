// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../clock.ts";

/** Aborts when nothing was heard for too long. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #aborter = new AbortController();
  readonly #stop = new AbortController();
  readonly #limit: number;
  #heard: number;
  /** Aborts on silence, and with the outer signal. */
  readonly signal: AbortSignal;

  /** @param limit milliseconds of silence. */
  constructor(limit: number, clock: Clock, signal: AbortSignal) {
    this.#limit = limit;
    this.#clock = clock;
    this.#heard = clock.now();
    this.signal = AbortSignal.any([signal, this.#aborter.signal]);
    this.#guard(AbortSignal.any([signal, this.#stop.signal])).catch(() => {});
  }

  /** Something was heard. */
  heard(): void {
    this.#heard = this.#clock.now();
  }

  /** Ends the guard. */
  stop(): void {
    this.#stop.abort();
  }

  async #guard(signal: AbortSignal): Promise<void> {
    for (;;) {
      const left = this.#heard + this.#limit - this.#clock.now();
      if (left <= 0) return this.#aborter.abort(new Error(`Nothing was heard for ${this.#limit / 1000} s`));
      await this.#clock.sleep(left, signal);
    }
  }
}
