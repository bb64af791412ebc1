// SPDX-License-Identifier: Apache-2.0

// Consistent hashing of Maglev (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
// Balancer", NSDI 2016, section 3.4), with weights: every target gets a quota of slots beforehand, and takes
// its turns in proportion to it.

import { hash32 } from "../hash.ts";

/** Something that owns a share of a table. */
export interface Target {
  /** Decides which slots the target prefers. The same on every node, whatever ids the node uses. */
  readonly name: string;
  /** Above 0; only the ratios count. */
  readonly share: number;
}

/** Table sizes: primes, so that every step walks over all slots. */
const SIZES = [4_093, 16_381, 65_521] as const;
/** Slots of the largest table. */
export const LARGEST_SIZE = SIZES[2];

/** Slots for each target at least, while there is a larger table: shares are then right within 1 %. */
const SLOTS_PER_TARGET = 100;

/** Slots of a table for so many targets; depends on nothing else, so every node computes the same. */
export function tableSize(targets: number): number {
  if (targets <= 1) return targets;
  return SIZES.find((size) => size >= targets * SLOTS_PER_TARGET) ?? LARGEST_SIZE;
}

/**
 * How many of the slots each target owns: its share rounded (largest remainder), but never 0. Throws a
 * RangeError when there are more targets than slots.
 */
export function quotas(targets: readonly Target[], slots: number): number[] {
  if (targets.length > slots) throw new RangeError(`${targets.length} targets do not fit in ${slots} slots`);
  const total = targets.reduce((sum, target) => sum + target.share, 0);
  const exact = targets.map((target) => target.share / total * slots);
  const result = exact.map((value) => Math.max(1, Math.floor(value)));
  let missing = slots - result.reduce((sum, value) => sum + value, 0);
  // Largest need first; equal needs in the order of names, as nodes may list targets differently.
  const need = (i: number): number => (exact[i] as number) - (result[i] as number);
  const order = targets.map((_, i) => i).sort((a, b) =>
    need(b) - need(a) || compare((targets[a] as Target).name, (targets[b] as Target).name)
  );
  for (let i = 0; missing > 0; i = (i + 1) % order.length, missing--) {
    (result[order[i] as number] as number)++;
  }
  // Minimum slots of tiny shares are paid by the targets that have the most above what they ought to have.
  for (; missing < 0; missing++) {
    const payer = order.filter((i) => (result[i] as number) > 1).reduce((best, i) =>
      need(i) < need(best) ? i : best
    );
    (result[payer] as number)--;
  }
  return result;
}

/**
 * Fills a table: element s is the index of the target that owns slot s. Targets are taken in the order of
 * their names. One target gives a table of one slot, none an empty one.
 */
export function maglevTable(targets: readonly Target[], slots = tableSize(targets.length)): Uint32Array {
  const table = new Uint32Array(slots);
  if (targets.length <= 1) return table;
  const claims = claimants(targets, slots);
  const most = Math.max(...claims.map((claim) => claim.quota));
  const taken = new Uint8Array(slots);
  for (let turn = 1; turn <= most; turn++) {
    for (const claim of claims) {
      // After turn t, a target owns t/most of its quota; the largest one claims in every turn.
      if (turn * claim.quota < (claim.owned + 1) * most) continue;
      while (taken[claim.next] === 1) advance(claim, slots);
      taken[claim.next] = 1;
      table[claim.next] = claim.index;
      claim.owned++;
    }
  }
  return table;
}

interface Claimant {
  readonly index: number;
  readonly quota: number;
  readonly skip: number;
  next: number;
  owned: number;
}

function claimants(targets: readonly Target[], slots: number): Claimant[] {
  const quota = quotas(targets, slots);
  return targets
    .map((target, index) => ({
      index,
      name: target.name,
      quota: quota[index] as number,
      next: hash32(target.name, 0x8e3c_5b1f) % slots,
      skip: hash32(target.name, 0x51ed_270b) % (slots - 1) + 1,
      owned: 0,
    }))
    .sort((a, b) => compare(a.name, b.name));
}

function advance(claim: Claimant, slots: number): void {
  claim.next += claim.skip;
  if (claim.next >= slots) claim.next -= slots;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
