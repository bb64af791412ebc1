// SPDX-License-Identifier: Apache-2.0

import { formatBytes, formatNumber } from "./format.ts";
import type { Use } from "./use.ts";

/** A flow table is full from this share of flows that go on, as far as a sample can tell, and until that one. */
const FULL = 0.95;
const NOT_FULL = 0.8;

/** A limit that is reached on this node. */
export interface ReachedLimit {
  /** The map that is full. */
  readonly of: string;
  /** Sentences without the last full stop: number, limit, what that means, the way out and its price. */
  readonly message: string;
}

/** Knows which flow tables are full. In between, one that was full still is: users are not told of every ripple. */
export class Fullness {
  #full: readonly ReachedLimit[] = [];

  /** Those that are full now. A table that stays full keeps what was said of it when it began. */
  update(uses: readonly Use[]): readonly ReachedLimit[] {
    return this.#full = uses.flatMap((use): ReachedLimit[] => {
      const before = this.#full.find(({ of }) => of === use.of);
      const share = (use.live ?? 0) / use.most;
      if (before !== undefined && share >= NOT_FULL) return [before];
      return share >= FULL ? [{ of: use.of, message: messageOf(use) }] : [];
    });
  }
}

function messageOf({ name, live = 0, estimated, most, memory }: Use): string {
  const number = `${estimated ? "About " : ""}${formatNumber(live)} of at most ${
    formatNumber(most)
  } ${name} go on`;
  const price = `${formatNumber(2 * most)} would take ${formatBytes(2n * BigInt(memory))} instead of ${
    formatBytes(BigInt(memory))
  }`;
  return `${number}, and for a new one the one that was silent longest is forgotten. Raise --flows: ${price}`;
}
