// SPDX-License-Identifier: Apache-2.0

// The status writer for Kubernetes. Observes the store's objects, changes
// their status subresource and nothing else: only what differs, guarded by
// resourceVersion, so that nobody else's entries are ever lost.

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Kind, ObjectKey } from "../api/snapshot.ts";
import { type Clock, systemClock, timestamp } from "../clock.ts";
import { Backoff } from "../backoff.ts";
import { equal } from "../equal.ts";
import type { ApiClient } from "../source/apiserver/api_client.ts";
import { ApiError } from "../source/apiserver/api_error.ts";
import { objectPath } from "../source/apiserver/resource_path.ts";
import { trimmed } from "../source/apiserver/trimmed.ts";
import type { Trouble } from "../source/apiserver/trouble.ts";
import type { Store } from "../store/store.ts";
import type { DesiredStatus, Notice } from "../translate/translation.ts";
import { EventRecorder } from "./event_recorder.ts";
import { mergeStatus, type Status } from "./merge.ts";
import { Pace } from "./pace.ts";
import type { StatusWriter } from "./status_writer.ts";
import { WorkQueue } from "./work_queue.ts";

/** Writes under way at the same time, at most. */
const WORKERS = 8;

/** Milliseconds for one write. */
const WRITE_LIMIT = 30_000;

/** What the writer needs. */
export interface ApiServerStatusOptions {
  readonly client: ApiClient;
  readonly store: Store;
  readonly trouble: Trouble;
  /** Whether this process is the one that writes; asked before every write. Default: always. */
  readonly mayWrite?: () => boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
}

type ObjectWithStatus = KubernetesObject & { readonly status?: Status };

/** Writes what differs; see StatusWriter. */
export class ApiServerStatusWriter implements StatusWriter {
  readonly #options: ApiServerStatusOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #queue: WorkQueue;
  readonly #pace = new Pace();
  readonly #events: EventRecorder;
  readonly #nodeEvents: EventRecorder;
  readonly #backoffs = new Map<string, Backoff>();
  /** By key of the queue. */
  #desired = new Map<string, DesiredStatus>();
  /** The object for which a desired status was last found to be written already. */
  readonly #settled = new WeakMap<DesiredStatus, KubernetesObject>();

  constructor(options: ApiServerStatusOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#queue = new WorkQueue(this.#stop.signal, this.#clock);
    this.#events = new EventRecorder(options);
    this.#nodeEvents = new EventRecorder(options);
  }

  set(statuses: readonly DesiredStatus[], notices: readonly Notice[]): void {
    const desired = new Map<string, DesiredStatus>();
    for (const status of [...statuses, ...this.#abandoned(statuses)]) desired.set(queueKey(status), status);
    this.#desired = desired;
    if (!this.#mayWrite()) return;
    for (const [key, status] of desired) {
      const object = this.#options.store.get(status.kind, status.key);
      if (object !== undefined && this.#settled.get(status) !== object) this.#queue.add(key);
    }
    this.#events.set(notices, this.#stop.signal);
  }

  setOfNode(notices: readonly Notice[]): void {
    this.#nodeEvents.set(notices, this.#stop.signal);
  }

  /** Writes until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#stop.abort();
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    await Promise.all(Array.from({ length: WORKERS }, () => this.#work()));
  }

  close(): Promise<void> {
    this.#stop.abort();
    return Promise.resolve();
  }

  #mayWrite(): boolean {
    return this.#options.mayWrite?.() ?? true;
  }

  /** Routes that have entries of ours and that the translation no longer speaks of: the entries must go. */
  #abandoned(statuses: readonly DesiredStatus[]): DesiredStatus[] {
    const spokenOf = new Set(statuses.map(queueKey));
    const snapshot = this.#options.store.snapshot();
    const abandoned: DesiredStatus[] = [];
    for (const kind of ["TCPRoute", "UDPRoute"] as const) {
      for (const [key, route] of snapshot[kind]) {
        if (hasOwnParent(route) && !spokenOf.has(queueKey({ kind, key }))) {
          abandoned.push({ kind, key, status: { parents: [] } });
        }
      }
    }
    return abandoned;
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      try {
        await this.#write(key);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  /** Writes one status if it differs; what goes wrong is tried again later. */
  async #write(key: string): Promise<void> {
    const desired = this.#desired.get(key);
    if (desired === undefined || !this.#mayWrite()) return;
    const { store, trouble } = this.#options;
    const object = store.get(desired.kind, desired.key) as ObjectWithStatus | undefined;
    if (object === undefined) return;
    const now = this.#clock.now();
    const merged = mergeStatus(desired.kind, object.status, desired.status, timestamp(now));
    if (merged === object.status) {
      this.#settled.set(desired, object);
      return;
    }
    const wait = this.#pace.wait(key, now);
    if (wait > 0) return this.#queue.addAfter(key, wait);
    this.#pace.written(key, now);
    try {
      const written = await this.#patch(desired, object, merged);
      // Only over the same object: one that was deleted meanwhile must not come back.
      const present = store.get(desired.kind, desired.key);
      if (present === object) store.set(desired.kind, written);
      this.#backoffs.delete(key);
      trouble.solved(key);
    } catch (error) {
      this.#retry(key, error);
    }
  }

  #retry(key: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    if (error instanceof ApiError && error.code === 404) return; // The watch will say that it is gone.
    const isConflict = error instanceof ApiError && error.code === 409;
    if (!isConflict) {
      this.#options.trouble.report(key, `Status of ${key} cannot be written: ${(error as Error).message}`);
    }
    const backoff = this.#backoffs.get(key) ?? new Backoff(this.#options.random ?? Math.random);
    this.#backoffs.set(key, backoff);
    this.#queue.addAfter(key, backoff.next());
  }

  async #patch({ kind }: DesiredStatus, object: ObjectWithStatus, merged: Status): Promise<KubernetesObject> {
    const { name, namespace, resourceVersion } = object.metadata;
    const written = await this.#options.client.json<KubernetesObject>({
      method: "PATCH",
      path: `${objectPath(kind, namespace, name)}/status`,
      // A merge patch with a resourceVersion is refused with 409 when the object has another.
      contentType: "application/merge-patch+json",
      body: { metadata: { resourceVersion }, status: statusPatch(object.status ?? {}, merged) },
    }, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(WRITE_LIMIT)]));
    return trimmed(written);
  }
}

/** The fields that differ, as RFC 7396 has it: lists whole, null for what goes. */
export function statusPatch(present: Status, merged: Status): Status {
  const patch: Record<string, unknown> = {};
  for (const field of Object.keys(present)) if (merged[field] === undefined) patch[field] = null;
  for (const [field, value] of Object.entries(merged)) {
    if (!equal(present[field], value)) patch[field] = value;
  }
  return patch;
}

function queueKey({ kind, key }: { readonly kind: Kind; readonly key: ObjectKey }): string {
  return `${kind} ${key}`;
}

function hasOwnParent(route: KubernetesObject): boolean {
  const parents = (route as ObjectWithStatus).status?.["parents"];
  return Array.isArray(parents) &&
    (parents as { controllerName?: string }[]).some(({ controllerName }) =>
      controllerName === CONTROLLER_NAME
    );
}
