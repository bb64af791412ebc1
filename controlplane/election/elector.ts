// SPDX-License-Identifier: Apache-2.0

// Elects one control plane through a Lease, by the rules and times of
// client-go's leaderelection, so that others read the Lease as usual. Observes
// one Lease and changes only that.
//
// Rights, in namespace blixt-system: leases create; leases "blixt" get, patch.

import { LEADER_LEASE, type Lease, LEASE_LABEL, microTime, SYSTEM_NAMESPACE } from "../api/lease.ts";
import { type Clock, monotonicClock } from "../clock.ts";
import type { ApiClient } from "../source/apiserver/api_client.ts";
import { ApiError } from "../source/apiserver/api_error.ts";
import { collectionPath, objectPath } from "../source/apiserver/resource_path.ts";
import type { Trouble } from "../source/apiserver/trouble.ts";
import { Watchdog } from "../source/apiserver/watchdog.ts";

/** Name of the Lease. */
export const LEADER_LEASE_NAME = "blixt";

/** Milliseconds without a renewal after which others may take the Lease. */
const LEASE_DURATION = 15_000;

/** Milliseconds without a renewal after which the leader stops: well before others begin. */
const RENEW_DEADLINE = 10_000;

/** Milliseconds between renewals, and between attempts. */
const RETRY_PERIOD = 2_000;

/** An attempt waits up to this share of a period longer, so that candidates do not march in step. */
const JITTER = 1.2;

/** Milliseconds over which candidates spread when a Lease becomes free. */
const SPREAD = 500;

/** Milliseconds that giving the Lease back may take. */
const RELEASE_LIMIT = 2_000;

/** What the elector needs. */
export interface ElectorOptions {
  readonly client: ApiClient;
  readonly trouble: Trouble;
  /** Who this is: another text for every process. */
  readonly identity: string;
  /** Done at the beginning of a term, before isLeading is true; tried again while it fails. */
  readonly prepare?: (signal: AbortSignal) => Promise<void>;
  /** Told when isLeading has become true, and when it is false again. */
  readonly onChange: (leading: boolean) => void;
  /** Should never be set back; default the machine's. */
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** One of several candidates; at any time at most one leads. */
export class Elector {
  readonly #options: ElectorOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** The Lease as it was last seen, and when that version was first seen. */
  #lease: Lease | undefined;
  #seen = -Infinity;
  /** From when on a Lease that is gone may be made anew. */
  #vacant = -Infinity;
  /** Whether #lease is what the server has, as far as is known. */
  #known = false;
  /** When the request began that renewed the present term last; undefined when there is no term. */
  #renewed: number | undefined;
  #prepared = false;
  #wake: (() => void) | undefined;

  constructor(options: ElectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicClock;
    this.#random = options.random ?? Math.random;
  }

  /** True while this process, and no other, may write. Goes by the clock, so a process that was asleep knows at once. */
  get isLeading(): boolean {
    return this.#prepared && this.#renewed !== undefined &&
      this.#clock.now() < this.#renewed + RENEW_DEADLINE;
  }

  /** What a watch has seen; undefined when the Lease is gone. Not needed, but it saves requests and time. */
  observe(lease: Lease | undefined): void {
    // A leader knows its Lease better: what a watch brings is older.
    if (this.#renewed !== undefined) return;
    this.#see(lease);
    this.#wake?.();
  }

  /** Stands for election until the signal, and then gives the Lease back. */
  async run(signal: AbortSignal): Promise<void> {
    let holds = false;
    try {
      for (;;) {
        await this.#acquire(signal);
        holds = true;
        await this.#lead(signal);
        holds = false;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      if (holds) await this.#release();
    }
  }

  /** Waits for the Lease to be free and takes it. */
  async #acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const wait = this.#known ? this.#freeAt() - this.#clock.now() : 0;
      if (wait > 0) {
        await this.#pause(wait + this.#random() * SPREAD, signal);
        continue;
      }
      try {
        if (!this.#known) await this.#fetch(signal);
        else {
          await this.#write(signal);
          return;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (this.#isOutdated(error)) this.#known = false;
        else this.#report(error);
        await this.#clock.sleep(RETRY_PERIOD * (1 + JITTER * this.#random()), signal);
      }
    }
  }

  /** Renews until the signal, or until the Lease is lost. */
  async #lead(signal: AbortSignal): Promise<void> {
    const term = new AbortController();
    const preparing = this.#prepare(AbortSignal.any([signal, term.signal])).catch(() => {});
    try {
      while (this.#left() > 0) {
        await this.#clock.sleep(Math.min(RETRY_PERIOD, this.#left()), signal);
        if (!await this.#renew(signal)) break;
      }
    } finally {
      this.#end();
      term.abort(new Error("The term is over"));
      await preparing;
    }
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#options.prepare?.(signal);
        break;
      } catch {
        await this.#clock.sleep(RETRY_PERIOD, signal);
      }
    }
    signal.throwIfAborted();
    this.#prepared = true;
    this.#options.onChange(true);
  }

  /** Milliseconds until the term ends unless it is renewed. */
  #left(): number {
    return (this.#renewed ?? -Infinity) + RENEW_DEADLINE - this.#clock.now();
  }

  /**
   * False when another holds the Lease. A server that is away is no reason to give up before the deadline, and a Lease
   * that somebody has deleted is made anew.
   */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const left = this.#left();
    if (left <= 0) return false;
    const limit = new Watchdog(left, this.#clock, signal);
    try {
      if (!this.#known) await this.#fetch(limit.signal);
      const { spec: { holderIdentity } = {} } = this.#lease ?? {};
      if (this.#lease !== undefined && holderIdentity !== this.#options.identity) return false;
      await this.#write(limit.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (this.#isOutdated(error)) {
        // Whether somebody took the Lease, put a label on it or deleted it, is told by looking.
        this.#known = false;
        return await this.#renew(signal);
      }
      this.#report(error);
    } finally {
      limit.stop();
    }
    return true;
  }

  /** Ends the term, if there is one. */
  #end(): void {
    const wasLeading = this.#prepared;
    this.#renewed = undefined;
    this.#prepared = false;
    this.#known = false;
    if (wasLeading) this.#options.onChange(false);
  }

  /** Lets others take the Lease at once. */
  async #release(): Promise<void> {
    const { client, identity } = this.#options;
    const now = microTime(this.#clock.now());
    if (this.#lease?.spec?.holderIdentity !== identity) return;
    await client.json({
      method: "PATCH",
      path: LEASE_PATH,
      contentType: "application/merge-patch+json",
      body: {
        metadata: { resourceVersion: this.#lease.metadata.resourceVersion },
        spec: { holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now },
      },
    }, AbortSignal.timeout(RELEASE_LIMIT)).catch(() => {}); // Others wait for it to run out instead.
  }

  #report(error: unknown): void {
    this.#options.trouble.report("election", `Leader election is held up: ${(error as Error).message}`);
  }

  /** When this process may take the Lease, by its own clock alone: at once where nobody has taken its own since. */
  #freeAt(): number {
    if (this.#lease === undefined) return this.#vacant;
    const { holderIdentity = "", leaseDurationSeconds } = this.#lease.spec ?? {};
    if (holderIdentity === "" || holderIdentity === this.#options.identity) return -Infinity;
    return this.#seen + (leaseDurationSeconds === undefined ? LEASE_DURATION : leaseDurationSeconds * 1_000);
  }

  #see(lease: Lease | undefined): void {
    // Its leader, if it lives, has not heard yet that it was deleted, and writes on.
    if (lease === undefined && this.#lease !== undefined) this.#vacant = this.#freeAt();
    // A version that was seen before goes on ageing, however often it is seen.
    if (lease?.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion) {
      this.#seen = this.#clock.now();
    }
    this.#lease = lease;
    this.#known = true;
  }

  /** Whether an error tells that the Lease is not what was last seen. Without a Lease 404 is about the namespace. */
  #isOutdated(error: unknown): boolean {
    const isConflict = error instanceof ApiError && error.code === 409;
    return isConflict || (this.#lease !== undefined && isGone(error));
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const lease = await this.#options.client.json<Lease>({ path: LEASE_PATH }, signal).catch((error) => {
      if (isGone(error)) return undefined;
      throw error;
    });
    this.#see(lease);
    this.#options.trouble.solved("election");
  }

  /** Takes or renews the Lease, unless it is no longer what was last seen. */
  async #write(signal: AbortSignal): Promise<void> {
    const { client, identity, trouble } = this.#options;
    const begun = this.#clock.now();
    const now = microTime(begun);
    const { holderIdentity, acquireTime = now, leaseTransitions = 0 } = this.#lease?.spec ?? {};
    const isOwn = holderIdentity === identity;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_DURATION / 1_000,
      acquireTime: isOwn ? acquireTime : now,
      renewTime: now,
      leaseTransitions: this.#lease === undefined || isOwn ? leaseTransitions : leaseTransitions + 1,
    };
    const lease = this.#lease === undefined
      ? await client.json<Lease>({
        method: "POST",
        path: collectionPath("Lease", SYSTEM_NAMESPACE),
        body: {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: {
            name: LEADER_LEASE_NAME,
            namespace: SYSTEM_NAMESPACE,
            labels: { [LEASE_LABEL]: LEADER_LEASE },
          },
          spec,
        },
      }, signal)
      : await client.json<Lease>({
        method: "PATCH",
        path: LEASE_PATH,
        contentType: "application/merge-patch+json",
        // With a resourceVersion the patch is refused with 409 when another was faster.
        body: { metadata: { resourceVersion: this.#lease.metadata.resourceVersion }, spec },
      }, signal);
    this.#see(lease);
    this.#renewed = begun;
    trouble.solved("election");
  }

  /** Sleeps until the time is over or a watch has news. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await this.#clock.sleep(milliseconds, AbortSignal.any([signal, woken.signal])).catch(() => {});
    this.#wake = undefined;
  }
}

const LEASE_PATH = objectPath("Lease", SYSTEM_NAMESPACE, LEADER_LEASE_NAME);

/** There is no Lease. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}
