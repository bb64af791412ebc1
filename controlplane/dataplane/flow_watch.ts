// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../clock.ts";
import type { LoaderClient } from "../loader/client.ts";
import type { LoadedObject } from "../loader/messages.ts";
import { Fullness, type ReachedLimit } from "./fullness.ts";
import type { Layout } from "./layout.ts";
import { readFlowUses } from "./use.ts";

/** Milliseconds between two looks, each of which takes the loader a few milliseconds. */
const PAUSE = 60_000;

/** What a watch needs. */
export interface FlowWatchOptions {
  readonly layout: Layout;
  readonly clock: Clock;
  /** Told what is full after each look. */
  readonly onFull: (tables: readonly ReachedLimit[]) => void;
}

/** Looks once a minute whether the flow tables are full of flows that go on, as long as a loader is there. */
export class FlowWatch {
  readonly #options: FlowWatchOptions;
  readonly #fullness = new Fullness();

  constructor(options: FlowWatchOptions) {
    this.#options = options;
  }

  /** Looks until the signal; what the loader refuses is asked for again the next time. Never rejects. */
  async run(client: LoaderClient, object: Pick<LoadedObject, "maps">, signal: AbortSignal): Promise<void> {
    const { clock, layout, onFull } = this.#options;
    while (!signal.aborted) {
      try {
        await clock.sleep(PAUSE, signal);
        onFull(this.#fullness.update(await readFlowUses(client, layout, object, signal)));
      } catch {
        // A loader that is away ends the session, and one version that takes over from another is soon done.
      }
    }
  }
}
