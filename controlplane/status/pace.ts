// SPDX-License-Identifier: Apache-2.0

/** Milliseconds that two writes of one object are apart at first, and at most. */
const SHORTEST = 100;
const LONGEST = 800;

/** A pace is forgotten after so many milliseconds without a write. */
const FORGOTTEN = 5_000;

/**
 * Spaces the writes of each key: the first is free, and as long as they keep
 * coming the gap doubles, so that a thousand routes that attach one after
 * another to a Gateway make little more than one write a second of it, the last of them within a second.
 */
export class Pace {
  readonly #keys = new Map<string, { readonly last: number; readonly gap: number }>();

  /** Milliseconds until the key may be written again; 0 for now, and after a clock was set back. */
  wait(key: string, now: number): number {
    const pace = this.#keys.get(key);
    return pace === undefined || now < pace.last ? 0 : Math.max(0, pace.last + pace.gap - now);
  }

  /** The key is written now. */
  written(key: string, now: number): void {
    const before = this.#keys.get(key);
    const fresh = before === undefined || now - before.last > FORGOTTEN;
    this.#keys.set(key, { last: now, gap: fresh ? SHORTEST : Math.min(before.gap * 2, LONGEST) });
    if (this.#keys.size > 1_000) this.#forget(now);
  }

  #forget(now: number): void {
    for (const [key, { last }] of this.#keys) if (now - last > FORGOTTEN) this.#keys.delete(key);
  }
}
