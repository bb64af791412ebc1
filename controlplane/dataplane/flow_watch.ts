// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../clock.ts";
import type { LoaderClient } from "../loader/client.ts";
import type { LoadedObject } from "../loader/messages.ts";
import { Fullness, type FullTable } from "./fullness.ts";
import type { Layout } from "./layout.ts";
import { readFlowUses } from "./use.ts";

/** Milliseconds between two looks, each of which takes the loader a few milliseconds. */
const PAUSE = 60_000;

/** What a watch needs. */
export interface FlowWatchOptions {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Told whenever other tables are full than before. */
  readonly onFull?: ((tables: readonly FullTable[]) => void) | undefined;
}

/** Looks once a minute whether the flow tables are full of flows that go on, and says when that begins and ends. */
export class FlowWatch {
  readonly #options: FlowWatchOptions;
  readonly #fullness = new Fullness();
  #full: readonly FullTable[] = [];

  constructor(options: FlowWatchOptions) {
    this.#options = options;
  }

  /** Looks until the signal; what the loader refuses is asked for again the next time. Never rejects. */
  async run(client: LoaderClient, object: Pick<LoadedObject, "maps">, signal: AbortSignal): Promise<void> {
    const { clock, layout } = this.#options;
    while (!signal.aborted) {
      try {
        await clock.sleep(PAUSE, signal);
        this.#note(this.#fullness.update(await readFlowUses(client, layout, object, signal)));
      } catch {
        // A loader that is away ends the session, and one version that takes over from another is soon done.
      }
    }
  }

  #note(full: readonly FullTable[]): void {
    if (full === this.#full) return;
    const { log, onFull } = this.#options;
    const before = this.#full;
    this.#full = full;
    for (const table of full) if (!before.includes(table)) log(table.message);
    for (const { of } of before) {
      if (full.every((table) => table.of !== of)) log(`The table ${of} has room for new flows again`);
    }
    onFull?.(full);
  }
}
