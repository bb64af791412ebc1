// SPDX-License-Identifier: Apache-2.0

const FIRST = 100;
const LARGEST = 5_000;

/** Waiting times that double from 100 ms to 5 s, each shortened by up to half so that nodes do not march in step. */
export class Backoff {
  readonly #random: () => number;
  #next = FIRST;

  /** @param random a number from 0 up to 1, such as Math.random() */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const wait = this.#next;
    this.#next = Math.min(wait * 2, LARGEST);
    return wait * (1 - this.#random() / 2);
  }

  /** Begins anew, after something went well. */
  reset(): void {
    this.#next = FIRST;
  }
}
