// SPDX-License-Identifier: Apache-2.0

// Tells users of the API server what no condition can say, as Events.

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import type { KubernetesObject } from "../api/object.ts";
import { nameHash, shortName } from "../api/short_name.ts";
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

/** Characters of the object's name in its Events' names: with the hash less than the 253 that a name may have. */
const OBJECT_NAME_LENGTH = 200;

const MERGE_PATCH = "application/merge-patch+json";

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
      // Either way, for the clock may have been set back.
      if (last !== undefined && Math.abs(this.#clock.now() - last.at) < PAUSE) continue;
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
    if (signal.aborted || object === undefined || store.isTerminating(object.metadata.namespace)) return;
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
        contentType: MERGE_PATCH,
        body: { count, lastTimestamp: timestamp(now) },
      }, signal);
      return { ...last, at: now, count };
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** Its name follows from what it says and of what, so that a control plane that starts, or leads from now on, does not say all again. */
  async #create(
    notice: Notice,
    object: KubernetesObject,
    now: number,
    signal: AbortSignal,
  ): Promise<Recorded> {
    const { name, namespace = CLUSTER_NAMESPACE, uid, resourceVersion } = object.metadata;
    const collection = `/api/v1/namespaces/${namespace}/events`;
    const eventName = `${shortName(name, OBJECT_NAME_LENGTH)}.${nameHash(`${uid} ${textOf(notice)}`)}`;
    const path = `${collection}/${eventName}`;
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: eventName, namespace },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: notice.kind,
        name,
        namespace: object.metadata.namespace,
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
    };
    try {
      await this.#options.client.json({ method: "POST", path: collection, body: event }, signal);
      return { at: now, path, count: 1 };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 409) throw error;
      const { count = 1 } = await this.#read(path, signal);
      return { at: now, path, count };
    }
  }

  /** An Event that is there, by a patch that changes nothing: there is no right to read Events. */
  async #read(path: string, signal: AbortSignal): Promise<{ readonly count?: number }> {
    return await this.#options.client.json(
      { method: "PATCH", path, contentType: MERGE_PATCH, body: {} },
      signal,
    );
  }
}

function textOf({ kind, key, reason, message }: Notice): string {
  return `${kind} ${key}: ${reason}: ${message}`;
}
