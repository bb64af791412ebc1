// SPDX-License-Identifier: Apache-2.0

import { equal } from "../equal.ts";
import { compareText } from "./age.ts";

/** Values in the order of their keys. A list once given out is never changed. */
export class Sorted<V> {
  readonly #values = new Map<string, V>();
  /** The keys in order, and the place of each; undefined when keys came or went. */
  #order: { readonly keys: readonly string[]; readonly places: ReadonlyMap<string, number> } | undefined;
  #list: V[] | undefined;
  #givenOut = false;

  /** Puts a value at a key. One that equals the present one leaves that in place, so that identity shows what changed. */
  set(key: string, value: V): void {
    const present = this.#values.get(key);
    if (present !== undefined && equal(present, value)) return;
    this.#values.set(key, value);
    const place = this.#order?.places.get(key);
    if (place === undefined || this.#list === undefined) return this.#forgetOrder();
    if (this.#givenOut) this.#list = [...this.#list];
    this.#givenOut = false;
    this.#list[place] = value;
  }

  /** Removes a key. */
  delete(key: string): void {
    if (this.#values.delete(key)) this.#forgetOrder();
  }

  /** The values in order; the same list as before when nothing changed. */
  list(): readonly V[] {
    if (this.#order === undefined) {
      const keys = [...this.#values.keys()].sort(compareText);
      this.#order = { keys, places: new Map(keys.map((key, place) => [key, place])) };
    }
    this.#list ??= this.#order.keys.map((key) => this.#values.get(key) as V);
    this.#givenOut = true;
    return this.#list;
  }

  #forgetOrder(): void {
    this.#order = undefined;
    this.#list = undefined;
  }
}
