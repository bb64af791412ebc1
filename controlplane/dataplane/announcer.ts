// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../clock.ts";
import { announcement } from "./announcement.ts";
import { ADDRESS_ANNOUNCE, DEVICE_OUTWARD } from "./layout.ts";
import type { Change, DeviceValue } from "./operation.ts";

/**
 * Milliseconds after an address came here. Frames get lost and hosts may be slow to listen; ARP wants two seconds in
 * between (RFC 5227, ANNOUNCE_INTERVAL), IPv6 at most three advertisements (RFC 4861, MAX_NEIGHBOR_ADVERTISEMENT).
 */
const TIMES = [0, 2_000, 4_000] as const;

/** Frames sent at once through one interface, and the milliseconds until the next so many: 1,000 a second. */
const BATCH = 100;
const PAUSE = 100;

/** What an announcer needs. */
export interface AnnouncerOptions {
  /** Sends frames out of an interface. */
  readonly send: (ifindex: number, frames: readonly Uint8Array[]) => Promise<void>;
  readonly clock: Clock;
  /** Ends all that is under way. */
  readonly signal: AbortSignal;
}

/**
 * Tells the networks outside of addresses that are at this node from now on. What was announced before this process
 * began is known there.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #owned: Set<string>;
  /** MAC address by ifindex; undefined before the first were told. */
  #outward: ReadonlyMap<number, string> | undefined;

  /** @param addresses flags by address, as the kernel has them */
  constructor(addresses: ReadonlyMap<string, number>, options: AnnouncerOptions) {
    this.#options = options;
    this.#owned = new Set(
      [...addresses].filter(([, flags]) => isAnnounced(flags)).map(([address]) => address),
    );
  }

  /** Learns what was written into the kernel's maps, and announces what is new. */
  note(changes: readonly Change[]): void {
    const gained: string[] = [];
    for (const change of changes) {
      if (change.map !== "addresses") continue;
      if (!isAnnounced(change.value)) this.#owned.delete(change.key);
      else if (!this.#owned.has(change.key)) gained.push(change.key);
    }
    for (const address of gained) this.#owned.add(address);
    this.#announce(gained, [...this.#outward?.keys() ?? []]);
  }

  /** Learns the interfaces there are. On one that appears later, everything is announced. */
  setDevices(devices: ReadonlyMap<number, DeviceValue>): void {
    const outward = new Map(
      [...devices].filter(([, { flags }]) => (flags & DEVICE_OUTWARD) !== 0).map((
        [at, { mac }],
      ) => [at, mac]),
    );
    const before = this.#outward;
    this.#outward = outward;
    if (before === undefined) return;
    const appeared = [...outward].filter(([ifindex, mac]) => before.get(ifindex) !== mac);
    this.#announce([...this.#owned], appeared.map(([ifindex]) => ifindex));
  }

  /** Sends in the background. Whoever cannot be told asks when it forgets. */
  #announce(addresses: readonly string[], ifindices: readonly number[]): void {
    if (addresses.length === 0) return;
    for (const ifindex of ifindices) this.#repeat(addresses, ifindex).catch(() => {});
  }

  async #repeat(addresses: readonly string[], ifindex: number): Promise<void> {
    const { clock, signal } = this.#options;
    const start = clock.now();
    for (const time of TIMES) {
      const wait = start + time - clock.now();
      if (wait > 0) await clock.sleep(wait, signal);
      await this.#sendAll(addresses, ifindex);
    }
  }

  async #sendAll(addresses: readonly string[], ifindex: number): Promise<void> {
    const { clock, signal, send } = this.#options;
    for (let from = 0; from < addresses.length; from += BATCH) {
      if (from > 0) await clock.sleep(PAUSE, signal);
      const mac = this.#outward?.get(ifindex);
      // An address that went on to another node is announced there by now.
      const owned = addresses.slice(from, from + BATCH).filter((address) => this.#owned.has(address));
      if (mac === undefined || owned.length === 0) continue;
      await send(ifindex, owned.map((address) => announcement(address, mac)));
    }
  }
}

function isAnnounced(flags: number | undefined): boolean {
  return flags !== undefined && (flags & ADDRESS_ANNOUNCE) !== 0;
}
