// SPDX-License-Identifier: Apache-2.0

/**
 * Says what is wrong once, however often and by however many it is met, and
 * says when it is over.
 */
export class Trouble {
  readonly #log: (line: string) => void;
  /** The present trouble of each that has one. */
  readonly #present = new Map<string, string>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** One who has this trouble now. */
  report(who: string, message: string): void {
    const known = [...this.#present.values()].includes(message);
    this.#present.set(who, message);
    if (!known) this.#log(message);
  }

  /** One who has none any more. */
  solved(who: string): void {
    const message = this.#present.get(who);
    if (message === undefined) return;
    this.#present.delete(who);
    if (![...this.#present.values()].includes(message)) this.#log(`Over: ${message}`);
  }
}
