// SPDX-License-Identifier: Apache-2.0

// Keeps the store's objects of one kind like the API server's: one list, then
// a watch that resumes where it ended. Observes one collection, changes one
// kind of the store, and takes nothing away for lack of news.
// See "Efficient detection of changes" in the Kubernetes API concepts.

import type { KubernetesObject } from "../../api/object.ts";
import { type Kind, KINDS, objectKey } from "../../api/snapshot.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { Backoff } from "../../dataplane/backoff.ts";
import type { Store } from "../../store/store.ts";
import { type ApiClient, rootCause } from "./api_client.ts";
import { ApiError } from "./api_error.ts";
import { jsonLines } from "./json_lines.ts";
import { collectionPath } from "./resource_path.ts";
import type { Trouble } from "./trouble.ts";
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

/** What the reflector needs. */
export interface ReflectorOptions {
  readonly kind: Kind;
  readonly client: ApiClient;
  readonly store: Store;
  readonly trouble: Trouble;
  /** Called once when the server does not have the kind, and once when it has it after all. */
  readonly onPresence?: (kind: Kind, present: boolean) => void;
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
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  /** Where the next watch begins; undefined when a list is needed first. */
  #resourceVersion: string | undefined;
  #absent = false;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff(this.#random);
  }

  /** Runs until the signal; errors are met with another try. */
  async run(signal: AbortSignal): Promise<void> {
    const { kind, trouble } = this.#options;
    while (!signal.aborted) {
      let pause = 0;
      try {
        if (this.#resourceVersion === undefined) await this.#list(signal);
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
    const objects: KubernetesObject[] = [];
    let token: string | undefined;
    let version: string;
    do {
      const query = { limit: String(PAGE_SIZE), ...(token !== undefined && { continue: token }) };
      const page = await this.#answered(
        signal,
        (limited) => client.json<ListPage>({ path: collectionPath(kind), query }, limited),
      );
      for (const item of page.items ?? []) {
        objects.push(
          trimmed({ apiVersion: KINDS[kind].apiVersion, kind, ...item } as unknown as KubernetesObject),
        );
      }
      version = page.metadata.resourceVersion;
      token = page.metadata.continue || undefined;
    } while (token !== undefined);
    this.#resourceVersion = version;
    store.replace(kind, objects);
    trouble.solved(kind);
    if (this.#absent) this.#options.onPresence?.(kind, true);
    this.#absent = false;
  }

  /** Watches until it ends; false when it ended at once, so that the next has to wait. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { kind, client, trouble } = this.#options;
    const begun = this.#clock.now();
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#resourceVersion ?? "",
      timeoutSeconds: String(Math.round(WATCH_SECONDS * (1 + this.#random()))),
    };
    const watchdog = new Watchdog(SILENCE_LIMIT, this.#clock, signal);
    try {
      const response = await this.#answered(
        watchdog.signal,
        (limited) => client.send({ path: collectionPath(kind), query }, limited),
      );
      trouble.solved(kind);
      await this.#follow(response, watchdog).catch((error) => {
        // A connection that breaks after a while is an ordinary end: the watch resumes where it was.
        if (error instanceof ApiError || signal.aborted || !this.#lasted(begun)) throw error;
      });
    } finally {
      watchdog.stop();
    }
    return this.#lasted(begun);
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

/** managedFields are half of an object's size and nothing reads them. */
function trimmed(object: KubernetesObject): KubernetesObject {
  delete (object.metadata as { managedFields?: unknown }).managedFields;
  return object;
}
