// SPDX-License-Identifier: Apache-2.0

/** How many values are remembered; tens of thousands of objects say the same few hundred things. */
const MOST = 2_000;

/**
 * One value for all that are equal, so that memory holds it once. It remembers a bounded number, and forgets all
 * of them when there are more: what is equal may then be there twice, which harms nobody.
 */
export class Interner<V> {
  readonly #known = new Map<string, V>();

  /** The value that goes by that text, made if need be. Nobody may change it. */
  get(text: string, make: () => V): V {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST) this.#known.clear();
    const made = make();
    this.#known.set(text, made);
    return made;
  }
}
