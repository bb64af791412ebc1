// SPDX-License-Identifier: Apache-2.0

import type { FlowReport } from "../netns/traffic/report.ts";
import type { Screen } from "./screen.ts";
import { formatTable, type Row } from "./table.ts";

/** A row as the kernel counts it: since Blixt began, and without what only backends know. */
export type Counted = Omit<Row, "client"> & {
  /** Name of the backend that answers at this address. */
  readonly name: string;
  readonly family: string;
};

/** Milliseconds between two readings while traffic runs. */
const INTERVAL = 250;

/** Shows the table while something happens. */
export class Monitor {
  readonly #read: () => Promise<readonly Counted[]>;
  readonly #screen: Screen;
  readonly #clients = new Map<string, string>();
  #before = new Map<string, Counted>();

  constructor(read: () => Promise<readonly Counted[]>, screen: Screen) {
    this.#read = read;
    this.#screen = screen;
  }

  /** Runs something and shows what it does to the counters, from zero on. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    this.#before = new Map((await this.#read()).map((row) => [keyOf(row), row]));
    let reading = Promise.resolve();
    const timer = setInterval(() => {
      reading = reading.then(() => this.#draw()).catch(() => {});
    }, INTERVAL);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await reading;
      await this.#draw();
      this.#screen.keepBlock();
    }
  }

  /** Notes what the backends said of their clients. */
  note(report: FlowReport, family: string): void {
    for (const [name, clients] of Object.entries(report.clients)) {
      this.#clients.set(`${name} ${family}`, clients.join(", "));
    }
  }

  async #draw(): Promise<void> {
    const rows = (await this.#read()).map((row): Row => {
      const before = this.#before.get(keyOf(row));
      const client = this.#clients.get(`${row.name} ${row.family}`);
      return {
        ...row,
        flows: row.flows - (before?.flows ?? 0),
        packets: row.packets - (before?.packets ?? 0),
        bytes: row.bytes - (before?.bytes ?? 0),
        ...(client === undefined ? {} : { client }),
      };
    });
    this.#screen.setBlock(["", ...formatTable(rows).map((line) => `  ${line}`), ""]);
  }
}

function keyOf({ listener, backend }: Counted): string {
  return `${listener} ${backend}`;
}
