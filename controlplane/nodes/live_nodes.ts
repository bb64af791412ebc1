// SPDX-License-Identifier: Apache-2.0

// Which nodes take traffic, as their Leases tell. A node is gone when its
// Lease was not renewed for its leaseDurationSeconds by this process's own
// clock: clocks of nodes are never compared, but at the first sight of a Lease,
// where the time in it is all there is to go by; a live node's next renewal
// puts that right.
//
// Silence of everybody at once is trouble with the API server and not the end
// of all nodes: then nobody is judged, and who lives stays as it was.

import type { Lease } from "../api/lease.ts";
import { type Clock, monotonicClock } from "../clock.ts";
import { equal } from "../equal.ts";

/** Milliseconds between looks at the clock. */
const CHECK_PERIOD = 500;

/** Milliseconds that a Lease counts when it does not say. */
const DEFAULT_DURATION = 6_000;

/** A silence of all of longer than this share of a Lease's duration does not count against its node. */
const SILENCE = 2 / 3;

interface Entry {
  readonly node: string;
  readonly resourceVersion: string | undefined;
  /** Milliseconds. */
  readonly duration: number;
  /** When this version was first seen. */
  seen: number;
  live: boolean;
}

/** What watching Leases needs. */
export interface LiveNodesOptions {
  /** Told when a node has come or gone. */
  readonly onChange: () => void;
  readonly clock?: Clock;
}

/** Keeps count of live nodes. Fed by a watch of their Leases. */
export class LiveNodes {
  readonly #onChange: () => void;
  readonly #clock: Clock;
  /** By the Lease's name. */
  readonly #entries = new Map<string, Entry>();
  #heard = -Infinity;
  #names: readonly string[] | undefined;
  #equipped: readonly string[] = [];

  constructor({ onChange, clock = monotonicClock }: LiveNodesOptions) {
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /** Names of the live nodes, sorted, the same list until one comes or goes; undefined until Leases were read. */
  get names(): readonly string[] | undefined {
    return this.#names;
  }

  /**
   * Names of the nodes that have Blixt, sorted: those that have a Lease and did
   * not give it back. Longer than they live, for a kernel goes on without its control plane.
   */
  get equipped(): readonly string[] {
    return this.#equipped;
  }

  /** These are all Leases of nodes there are. */
  replace(leases: readonly Lease[]): void {
    this.#hear();
    const names = new Set(leases.map(({ metadata }) => metadata.name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    for (const lease of leases) this.#enter(lease);
    this.#count(true);
  }

  /** A Lease is new or was renewed. */
  set(lease: Lease): void {
    this.#hear();
    this.#enter(lease);
    this.#count();
  }

  /** A Lease was deleted. */
  delete(name: string): void {
    this.#hear();
    this.#entries.delete(name);
    this.#count();
  }

  /** Watches the clock until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(CHECK_PERIOD, signal).catch(() => {});
      this.#judge();
    }
  }

  /** News has come. After a silence everybody gets the time to be heard again. */
  #hear(): void {
    const now = this.#clock.now();
    const silence = now - this.#heard;
    for (const entry of this.#entries.values()) {
      if (entry.live && silence > entry.duration * SILENCE) entry.seen = now;
    }
    this.#heard = now;
  }

  #enter({ metadata, spec }: Lease): void {
    const before = this.#entries.get(metadata.name);
    if (before !== undefined && before.resourceVersion === metadata.resourceVersion) return;
    const now = this.#clock.now();
    const node = spec?.holderIdentity ?? "";
    const duration = spec?.leaseDurationSeconds === undefined
      ? DEFAULT_DURATION
      : spec.leaseDurationSeconds * 1_000;
    const isFresh = before !== undefined || now - Date.parse(spec?.renewTime ?? "") < duration;
    this.#entries.set(metadata.name, {
      node,
      resourceVersion: metadata.resourceVersion,
      duration,
      seen: now,
      live: node !== "" && isFresh,
    });
  }

  #judge(): void {
    const now = this.#clock.now();
    for (const entry of this.#entries.values()) {
      if (now - this.#heard > entry.duration * SILENCE) continue;
      if (now - entry.seen >= entry.duration) entry.live = false;
    }
    this.#count();
  }

  #count(isComplete = this.#names !== undefined): void {
    if (!isComplete) return;
    const entries = [...this.#entries.values()].filter(({ node }) => node !== "");
    const names = nodesOf(entries.filter(({ live }) => live));
    const equipped = nodesOf(entries);
    const isSame = equal(names, this.#names) && equal(equipped, this.#equipped);
    if (!equal(names, this.#names)) this.#names = names;
    if (!equal(equipped, this.#equipped)) this.#equipped = equipped;
    if (!isSame) this.#onChange();
  }
}

function nodesOf(entries: readonly Entry[]): readonly string[] {
  return [...new Set(entries.map(({ node }) => node))].sort();
}
