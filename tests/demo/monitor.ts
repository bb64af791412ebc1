// SPDX-License-Identifier: Apache-2.0

import type { FlowReport } from "../netns/traffic/report.ts";
import type { Counted } from "./counters.ts";
import type { Screen } from "./screen.ts";
import { formatTable, type Row } from "./table.ts";

/** Milliseconds between two readings while traffic runs. */
const INTERVAL = 300;

/** Shows the table while something happens. */
export class Monitor {
  readonly #read: () => Promise<readonly Counted[]>;
  readonly #screen: Screen;
  /** What backends said of their clients, by {@link clientKey}. */
  readonly #clients = new Map<string, string>();
  /** The latest reading of every backend there has ever been. */
  readonly #known = new Map<string, Counted>();
  #before = new Map<string, Counted>();

  constructor(read: () => Promise<readonly Counted[]>, screen: Screen) {
    this.#read = read;
    this.#screen = screen;
  }

  /** Runs something and shows what it does to the counters, from zero on. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    this.#before = new Map((await this.#read()).map((row) => [rowKey(row), row]));
    let drawing = Promise.resolve();
    const timer = setInterval(() => {
      // A reading that fails leaves the table as it was; the last one below counts.
      drawing = drawing.then(() => this.#draw()).catch(() => {});
    }, INTERVAL);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await drawing;
      await this.#draw();
      this.#screen.keepBlock();
    }
  }

  /** Notes what the backends said of their clients. */
  note(report: FlowReport, family: Counted["family"]): void {
    for (const [name, clients] of Object.entries(report.clients)) {
      this.#clients.set(clientKey({ name, family }), clients.join(", "));
    }
  }

  async #draw(): Promise<void> {
    const present = new Map((await this.#read()).map((row) => [rowKey(row), row]));
    for (const [key, row] of present) this.#known.set(key, row);
    const rows = [...this.#known].map(([key, known]) =>
      this.#since(known, present.get(key), this.#before.get(key))
    );
    this.#screen.setBlock(["", ...formatTable(rows).map((line) => `  ${line}`)]);
  }

  /** What a backend has got since the step began; nothing when the kernel has it no more. */
  #since(known: Counted, now: Counted | undefined, before: Counted | undefined): Row {
    const { listener, backend } = known;
    const difference = (field: "flows" | "packets" | "bytes"): number =>
      now === undefined ? 0 : now[field] - (before?.[field] ?? 0);
    const client = this.#clients.get(clientKey(known));
    return {
      listener,
      backend,
      flows: difference("flows"),
      packets: difference("packets"),
      bytes: difference("bytes"),
      ...(now?.weight === undefined ? {} : { weight: now.weight }),
      ...(client === undefined ? {} : { client }),
    };
  }
}

function rowKey({ listener, backend }: Counted): string {
  return `${listener} ${backend}`;
}

function clientKey({ name, family }: Pick<Counted, "name" | "family">): string {
  return `${name} ${family}`;
}
