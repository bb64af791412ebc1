// SPDX-License-Identifier: Apache-2.0

import type { ReachedLimit } from "./fullness.ts";

/** Whom to tell. */
export interface ReachedLimitsOptions {
  readonly log: (line: string) => void;
  /** Told of all that are reached, whenever one begins or ends to be. */
  readonly onReached?: (limits: readonly ReachedLimit[]) => void;
}

/** Puts together what several parts know of limits that are reached on this node, and says each once. */
export class ReachedLimits {
  readonly #options: ReachedLimitsOptions;
  readonly #bySource = new Map<string, readonly ReachedLimit[]>();
  #told: readonly ReachedLimit[] = [];

  constructor(options: ReachedLimitsOptions) {
    this.#options = options;
  }

  /** All that a source knows of as reached now. */
  set(source: string, limits: readonly ReachedLimit[]): void {
    this.#bySource.set(source, limits);
    const before = this.#told;
    const now = [...this.#bySource.values()].flat();
    const has = (list: readonly ReachedLimit[], { of, message }: ReachedLimit): boolean =>
      list.some((other) => other.of === of && other.message === message);
    if (now.length === before.length && now.every((limit) => has(before, limit))) return;
    this.#told = now;
    const { log, onReached } = this.#options;
    for (const limit of now) if (!has(before, limit)) log(`${limit.message}.`);
    for (const { of } of before) {
      if (now.every((limit) => limit.of !== of)) log(`The map ${of} has room again.`);
    }
    onReached?.(now);
  }
}
