// SPDX-License-Identifier: Apache-2.0

// Tells users of the API server what no condition can say, as Events.

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import type { KubernetesObject } from "../api/object.ts";
import { type Clock, systemClock, timestamp } from "../clock.ts";
import type { ApiClient } from "../source/apiserver/api_client.ts";
import { ApiError } from "../source/apiserver/api_error.ts";
import type { Trouble } from "../source/apiserver/trouble.ts";
import type { Store } from "../store/store.ts";
import type { Notice } from "../translate/translation.ts";

/** Milliseconds between two Events that say the same of the same object. */
const PAUSE = 60_000;

/** Milliseconds for one request. */
const REQUEST_LIMIT = 10_000;

/** Where Events about cluster-scoped objects live. */
const CLUSTER_NAMESPACE = "default";

/** What the recorder needs. */
export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly store: Store;
  readonly trouble: Trouble;
  readonly clock?: Clock;
}

/** An Event that was written. */
interface Recorded {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly path: string;
  readonly count: number;
}

/** One Event for each notice; when a notice comes back after a minute or more, its Event's count goes up. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #recorded = new Map<string, Recorded>();
  /** Texts of the notices that hold now. */
  #holding = new Set<string>();
  #sending: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** All notices that hold now; those that did not hold before are written in the background, one after another. */
  set(notices: readonly Notice[], signal: AbortSignal): void {
    const before = this.#holding;
    this.#holding = new Set(notices.map(textOf));
    for (const notice of notices) {
      const text = textOf(notice);
      if (before.has(text)) continue;
      const last = this.#recorded.get(text);
      if (last !== undefined && this.#clock.now() - last.at < PAUSE) continue;
      this.#sending = this.#sending.then(() => this.#record(notice, signal));
    }
  }

  /** Resolves when what was set so far is written, or has failed. */
  settled(): Promise<void> {
    return this.#sending;
  }

  /** An Event is worth one try: who needs to know reads the conditions. */
  async #record(notice: Notice, signal: AbortSignal): Promise<void> {
    const { store, trouble } = this.#options;
    const object = store.get(notice.kind, notice.key);
    if (signal.aborted || object === undefined) return;
    const text = textOf(notice);
    const now = this.#clock.now();
    const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_LIMIT)]);
    try {
      const last = this.#recorded.get(text);
      const again = last === undefined ? undefined : await this.#repeat(last, now, limited);
      this.#recorded.set(text, again ?? await this.#create(notice, object, now, limited));
      trouble.solved("events");
    } catch (error) {
      if (!signal.aborted) {
        trouble.report("events", `An Event cannot be written: ${(error as Error).message}`);
      }
    }
  }

  /** Counts an Event up; undefined when the server has forgotten it. */
  async #repeat(last: Recorded, now: number, signal: AbortSignal): Promise<Recorded | undefined> {
    const count = last.count + 1;
    try {
      await this.#options.client.json({
        method: "PATCH",
        path: last.path,
        contentType: "application/merge-patch+json",
        body: { count, lastTimestamp: timestamp(now) },
      }, signal);
      return { ...last, at: now, count };
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  async #create(
    notice: Notice,
    object: KubernetesObject,
    now: number,
    signal: AbortSignal,
  ): Promise<Recorded> {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const path = `/api/v1/namespaces/${namespace ?? CLUSTER_NAMESPACE}/events`;
    const created = await this.#options.client.json<KubernetesObject>({
      method: "POST",
      path,
      body: {
        apiVersion: "v1",
        kind: "Event",
        // The server adds the rest of the name; 200 characters leave room within 253.
        metadata: { generateName: `${name.slice(0, 200)}.`, namespace: namespace ?? CLUSTER_NAMESPACE },
        involvedObject: {
          apiVersion: object.apiVersion,
          kind: notice.kind,
          name,
          namespace,
          uid,
          resourceVersion,
        },
        type: "Warning",
        reason: notice.reason,
        message: notice.message.slice(0, 1024),
        source: { component: "blixt" },
        reportingComponent: CONTROLLER_NAME,
        firstTimestamp: timestamp(now),
        lastTimestamp: timestamp(now),
        count: 1,
      },
    }, signal);
    return { at: now, path: `${path}/${created.metadata.name}`, count: 1 };
  }
}

function textOf({ kind, key, reason, message }: Notice): string {
  return `${kind} ${key}: ${reason}: ${message}`;
}
