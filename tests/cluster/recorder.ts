// SPDX-License-Identifier: Apache-2.0

import { type Detached, startDetached, waitForDetached } from "./detached.ts";
import type { ProcessStarter, Readiness } from "./site.ts";

/** Milliseconds that a process has to become ready; the busiest of machines needs a fraction. */
const PATIENCE = 60_000;

/** Where a recorder puts things. */
export interface RecorderOptions {
  /** Folder of the logs; it exists. */
  readonly logs: string;
  /** Keeps the list, whenever it has grown. */
  readonly save: (processes: readonly Detached[]) => Promise<void>;
}

/** Starts processes and has each recorded before it waits for it, so that none is forgotten. */
export class Recorder implements ProcessStarter {
  readonly #options: RecorderOptions;
  readonly #processes: Detached[] = [];
  #saved: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  async start(name: string, argv: readonly string[], ready?: Readiness): Promise<number> {
    const process = startDetached(name, argv, `${this.#options.logs}/${name}.log`);
    this.#processes.push(process);
    // One after the other: nodes start side by side, and the list on disk must not shrink.
    this.#saved = this.#saved.then(() => this.#options.save([...this.#processes]));
    await this.#saved;
    if (ready !== undefined) await waitForDetached(process, () => ready(process.pid), PATIENCE);
    return process.pid;
  }
}
