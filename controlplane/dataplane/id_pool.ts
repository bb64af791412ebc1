// SPDX-License-Identifier: Apache-2.0

/** Ids from 1 up to a limit, the lowest free one first, so that arrays in the kernel stay dense. */
export class IdPool {
  readonly #used = new Set<number>();
  readonly #last: number;
  #lowest = 1;

  /** Makes a pool of the ids 1 to last. */
  constructor(last: number) {
    this.#last = last;
  }

  /** How many ids are free. */
  get free(): number {
    return this.#last - this.#used.size;
  }

  /** Takes the lowest free id; undefined when there is none. */
  take(): number | undefined {
    while (this.#used.has(this.#lowest)) this.#lowest++;
    if (this.#lowest > this.#last) return undefined;
    this.#used.add(this.#lowest);
    return this.#lowest++;
  }

  /** Marks an id as used that was found in the kernel. */
  claim(id: number): void {
    this.#used.add(id);
  }

  /** Gives an id back. */
  release(id: number): void {
    if (this.#used.delete(id)) this.#lowest = Math.min(this.#lowest, id);
  }
}
