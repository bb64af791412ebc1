// SPDX-License-Identifier: Apache-2.0

/** How waits grow. */
export interface BackOffOptions {
  /** Milliseconds of the first wait, before jitter. Default 500. */
  readonly first?: number;
  /** Milliseconds that no wait exceeds, before jitter. Default 10,000. */
  readonly longest?: number;
  /** 0 to 1, as Math.random. */
  readonly random?: () => number;
}

/** Waits that double from failure to failure, each spread from a half to one and a half of itself. */
export class BackOff {
  readonly #first: number;
  readonly #longest: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ first = 500, longest = 10_000, random = Math.random }: BackOffOptions = {}) {
    this.#first = first;
    this.#longest = longest;
    this.#random = random;
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const wait = Math.min(this.#first * 2 ** this.#failures, this.#longest);
    this.#failures++;
    return this.spread(wait);
  }

  /** A wait with jitter, which does not count as a failure. */
  spread(milliseconds: number): number {
    return milliseconds * (0.5 + this.#random());
  }

  /** Success: the next wait is the first again. */
  reset(): void {
    this.#failures = 0;
  }
}
