// SPDX-License-Identifier: Apache-2.0

import { equal } from "../equal.ts";
import { compareText } from "./age.ts";

/** Values in the order of their keys. A list once given out is never changed. */
export class Sorted<V> {
  readonly #values = new Map<string, V>();
  /** The keys in order when they were last put in order, and those that came since. */
  #keys: readonly string[] = [];
  #added: string[] = [];
  /** The place of each key in the list. */
  #places = new Map<string, number>();
  /** Absent when keys came or went. */
  #list: V[] | undefined;
  #givenOut = false;

  /** Puts a value at a key. One that equals the present one leaves that in place, so that identity shows what changed. */
  set(key: string, value: V): void {
    const present = this.#values.get(key);
    if (present === undefined) {
      this.#added.push(key);
      this.#list = undefined;
    } else if (equal(present, value)) return;
    this.#values.set(key, value);
    const place = this.#places.get(key);
    if (this.#list === undefined || place === undefined) return;
    if (this.#givenOut) this.#list = [...this.#list];
    this.#givenOut = false;
    this.#list[place] = value;
  }

  /** Removes a key. */
  delete(key: string): void {
    if (this.#values.delete(key)) this.#list = undefined;
  }

  /** The values in order; the same list as before when nothing changed. */
  list(): readonly V[] {
    if (this.#list === undefined) this.#order();
    this.#givenOut = true;
    return this.#list ??= this.#keys.map((key) => this.#values.get(key) as V);
  }

  /** The sort is fast where most of it is in order already, which is why the keys are kept. */
  #order(): void {
    const keys = new Set([...this.#keys, ...this.#added].filter((key) => this.#values.has(key)));
    this.#keys = [...keys].sort(compareText);
    this.#added = [];
    this.#places = new Map(this.#keys.map((key, place) => [key, place]));
  }
}
