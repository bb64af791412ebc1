// SPDX-License-Identifier: Apache-2.0

// Keeps the store's objects of one kind like the API server's: one list, then
// a watch that resumes where it ended. Observes one collection, changes one
// kind of the store, and takes nothing away for lack of news.
// See "Efficient detection of changes" in the Kubernetes API concepts.

import { abortable } from "../../abortable.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { type Kind, type ObjectKey, objectKey } from "../../api/snapshot.ts";
import { type Clock, monotonicClock } from "../../clock.ts";
import { Backoff } from "../../backoff.ts";
import { type ApiClient, rootCause } from "./api_client.ts";
import { ApiError } from "./api_error.ts";
import { jsonLines } from "./json_lines.ts";
import { apiVersionOf, collectionPath, type ResourceKind } from "./resource_path.ts";
import type { Trouble } from "./trouble.ts";
import { trimmed } from "./trimmed.ts";
import { Watchdog } from "./watchdog.ts";

/** Objects in one page of a list. */
const PAGE_SIZE = 500;

/** Seconds after which the server is asked to end a watch; spread up to twice that, so that watches do not end together. */
const WATCH_SECONDS = 300;

/** Milliseconds for a page of a list, or for a watch to begin. */
const ANSWER_LIMIT = 60_000;

/** Milliseconds of silence on a watch: bookmarks come every minute or so. */
const SILENCE_LIMIT = 180_000;

/** Milliseconds between looks for a kind that the server does not have. */
const ABSENT_PAUSE = 5_000;

/** Milliseconds that a watch must have lasted for the next one to begin without a wait. */
const LASTING = 1_000;

/** Where objects go: the store, or what is told of objects like it. */
export interface ReflectorTarget<K extends ResourceKind> {
  replace(kind: K, objects: readonly KubernetesObject[]): void;
  set(kind: K, object: KubernetesObject): void;
  delete(kind: K, key: ObjectKey): void;
  markSynced(kind: K): void;
}

/** What the reflector needs. */
export interface ReflectorOptions<K extends ResourceKind> {
  readonly kind: K;
  /** All namespaces when absent. */
  readonly namespace?: string;
  /** All objects when absent. */
  readonly labelSelector?: string;
  readonly client: ApiClient;
  readonly store: ReflectorTarget<K>;
  readonly trouble: Trouble;
  /** Called once when the server does not have the kind, and once when it has it after all. */
  readonly onPresence?: (kind: K, present: boolean) => void;
  /** Called when a watch ended that the signal did not end. */
  readonly onWatchEnd?: (kind: K) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

interface ListPage {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly Record<string, unknown>[] | null;
}

type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: KubernetesObject }
  | { readonly type: "ERROR"; readonly object: { readonly code?: number; readonly message?: string } };

/** Lists and watches one kind. */
export class Reflector<K extends ResourceKind = Kind> {
  readonly #options: ReflectorOptions<K>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  /** Where the next watch begins; undefined when a list is needed first. */
  #resourceVersion: string | undefined;
  #absent = false;
  /** Ends the present watch, so that a list is made before the next. */
  #interrupt = new AbortController();
  /** Those who wait for a list that begins from now on. */
  #refreshing: (() => void)[] = [];

  constructor(options: ReflectorOptions<K>) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicClock;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff(this.#random);
  }

  /** Runs until the signal; errors are met with another try. */
  async run(signal: AbortSignal): Promise<void> {
    const { kind, trouble } = this.#options;
    while (!signal.aborted) {
      let pause = 0;
      try {
        if (this.#resourceVersion === undefined || this.#refreshing.length > 0) await this.#list(signal);
        const lasted = await this.#watch(signal);
        if (!lasted) pause = this.#backoff.next();
      } catch (error) {
        if (signal.aborted) return;
        pause = this.#pauseAfter(error);
        if (!this.#absent) trouble.report(kind, (error as Error).message);
      }
      if (pause > 0) await this.#clock.sleep(pause, signal).catch(() => {});
    }
  }

  /** Resolves once the store holds all that the server held when this was called, or more. */
  refresh(signal: AbortSignal): Promise<void> {
    const listed = new Promise<void>((resolve) => this.#refreshing.push(resolve));
    this.#interrupt.abort();
    return abortable(listed, signal);
  }

  /** Milliseconds to wait after an error, which may also mean that the next watch needs a list first. */
  #pauseAfter(error: unknown): number {
    const { kind, store, onPresence } = this.#options;
    if (error instanceof ApiError) {
      if (error.code === 410) this.#resourceVersion = undefined;
      if (error.code === 404) {
        this.#resourceVersion = undefined;
        if (!this.#absent) onPresence?.(kind, false);
        this.#absent = true;
        store.markSynced(kind);
        return ABSENT_PAUSE * (1 - this.#random() / 2);
      }
      if (error.retryAfter !== undefined) return Math.max(error.retryAfter * 1_000, this.#backoff.next());
    }
    return this.#backoff.next();
  }

  /** Reads all objects, page by page, and puts them in the store at once. */
  async #list(signal: AbortSignal): Promise<void> {
    const { kind, client, store, trouble } = this.#options;
    const refreshed = this.#refreshing.length;
    this.#interrupt = new AbortController();
    const objects: KubernetesObject[] = [];
    let token: string | undefined;
    let version: string;
    do {
      const query = {
        ...this.#selector(),
        limit: String(PAGE_SIZE),
        ...(token !== undefined && { continue: token }),
      };
      const page = await this.#answered(
        signal,
        (limited) => client.json<ListPage>({ path: this.#path(), query }, limited),
      );
      for (const item of page.items ?? []) {
        objects.push(
          trimmed({ apiVersion: apiVersionOf(kind), kind, ...item } as unknown as KubernetesObject),
        );
      }
      version = page.metadata.resourceVersion;
      token = page.metadata.continue || undefined;
    } while (token !== undefined);
    this.#resourceVersion = version;
    store.replace(kind, objects);
    for (const resolve of this.#refreshing.splice(0, refreshed)) resolve();
    trouble.solved(kind);
    if (this.#absent) this.#options.onPresence?.(kind, true);
    this.#absent = false;
  }

  /** Watches until it ends; false when it ended at once, so that the next has to wait. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { kind, client, trouble } = this.#options;
    const begun = this.#clock.now();
    const query = {
      ...this.#selector(),
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#resourceVersion ?? "",
      timeoutSeconds: String(Math.round(WATCH_SECONDS * (1 + this.#random()))),
    };
    const interrupt = this.#interrupt.signal;
    const watchdog = new Watchdog(SILENCE_LIMIT, this.#clock, AbortSignal.any([signal, interrupt]));
    try {
      const response = await this.#answered(
        watchdog.signal,
        (limited) => client.send({ path: this.#path(), query }, limited),
      );
      trouble.solved(kind);
      await this.#follow(response, watchdog).catch((error) => {
        // A connection that breaks after a while is an ordinary end: the watch resumes where it was.
        if (error instanceof ApiError || signal.aborted || !this.#lasted(begun)) throw error;
      });
    } catch (error) {
      if (!interrupt.aborted || signal.aborted) throw error;
      return true;
    } finally {
      watchdog.stop();
      if (!signal.aborted) this.#options.onWatchEnd?.(kind);
    }
    return this.#lasted(begun);
  }

  #path(): string {
    return collectionPath(this.#options.kind, this.#options.namespace);
  }

  #selector(): Record<string, string> {
    const { labelSelector } = this.#options;
    return labelSelector === undefined ? {} : { labelSelector };
  }

  /** Takes in events until the body ends. */
  async #follow(response: Response, watchdog: Watchdog): Promise<void> {
    const { kind } = this.#options;
    try {
      for await (const event of jsonLines<WatchEvent>(response.body!, watchdog.signal)) {
        watchdog.heard();
        this.#take(event);
        this.#backoff.reset();
      }
    } catch (error) {
      if (error instanceof ApiError) throw error;
      const what = error instanceof SyntaxError ? "brought a line that is no JSON" : "was cut";
      throw new Error(`Watch of ${kind} ${what}: ${rootCause(error)}`, { cause: error });
    }
  }

  #lasted(begun: number): boolean {
    return this.#clock.now() - begun >= LASTING;
  }

  #take(event: WatchEvent): void {
    const { kind, store } = this.#options;
    if (event.type === "ERROR") {
      const { code = 500, message = "no message" } = event.object;
      throw new ApiError(code, `Watch of ${kind} ended with an error: ${message} (${code})`);
    }
    const { object } = event;
    if (event.type === "DELETED") store.delete(kind, objectKey(object));
    else if (event.type !== "BOOKMARK") store.set(kind, trimmed(object));
    this.#resourceVersion = object.metadata.resourceVersion;
  }

  /** Gives an answer a time limit; the limit is over once the answer is there, though its body may go on. */
  async #answered<T>(signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const watchdog = new Watchdog(ANSWER_LIMIT, this.#clock, signal);
    try {
      return await ask(watchdog.signal);
    } finally {
      watchdog.stop();
    }
  }
}
