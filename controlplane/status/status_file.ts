// SPDX-License-Identifier: Apache-2.0

// The file in which a user, without Kubernetes, reads what became of each
// object, and from which a restarted control plane takes the addresses it gave.

import type { Kind } from "../api/snapshot.ts";
import { equal } from "../equal.ts";
import { readYamlValues, writeYaml } from "../yaml_values.ts";
import type { Status } from "./merge.ts";

const HEADER = "# What Blixt says of every object; written again whenever something changes.\n" +
  "apiVersion: v1\nkind: List\n";

const ENCODER = new TextEncoder();

/** Items in one piece of the text. */
const PIECE = 500;

/** One object of the status file. */
export interface StatusItem {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly generation?: number };
  readonly status: Status;
}

/** A YAML file with a List of objects, each with its status and without its spec. */
export class StatusFile {
  readonly #path: string;
  readonly #onError: (message: string) => void;
  /** Of items that were written already; the same object is the same text. */
  readonly #texts = new WeakMap<StatusItem, string>();
  #latest: readonly StatusItem[] = [];
  #written: readonly StatusItem[] | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, onError: (message: string) => void) {
    this.#path = path;
    this.#onError = onError;
  }

  /** The items of the last run; none when there was none or the file cannot be understood. */
  async read(): Promise<readonly StatusItem[]> {
    try {
      const { value } = readYamlValues(await Deno.readTextFile(this.#path));
      const content = value as { readonly items?: unknown } | null;
      return Array.isArray(content?.items) ? content.items.filter(isStatusItem) : [];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#report("read", error);
      return [];
    }
  }

  /**
   * Replaces the file's content in the background; the latest call wins, and the same content is not written again.
   * An item that is the same object as in an earlier call costs nothing.
   */
  write(items: readonly StatusItem[]): void {
    this.#latest = items;
    this.#writing ??= this.#writeLatest().finally(() => this.#writing = undefined);
  }

  /** Waits for the last write. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #writeLatest(): Promise<void> {
    while (!this.#isWritten(this.#latest)) {
      const items = this.#latest;
      const temporary = `${this.#path}.new`;
      try {
        await Deno.writeFile(temporary, ReadableStream.from(this.#pieces(items)));
        await Deno.rename(temporary, this.#path);
      } catch (error) {
        this.#report("written", error);
      }
      this.#written = items;
    }
  }

  #isWritten(items: readonly StatusItem[]): boolean {
    const written = this.#written;
    return written?.length === items.length && items.every((item, i) => equal(item, written[i]));
  }

  /** The file's text, a few items at a time: all of it at once would be much. */
  *#pieces(items: readonly StatusItem[]): Generator<Uint8Array> {
    yield ENCODER.encode(HEADER + (items.length === 0 ? "items: []\n" : "items:\n"));
    for (let from = 0; from < items.length; from += PIECE) {
      yield ENCODER.encode(items.slice(from, from + PIECE).map((item) => this.#textOf(item)).join(""));
    }
  }

  #textOf(item: StatusItem): string {
    let text = this.#texts.get(item);
    if (text === undefined) this.#texts.set(item, text = writeYaml([item]));
    return text;
  }

  #report(what: string, error: unknown): void {
    this.#onError(`Status file ${this.#path} cannot be ${what}: ${(error as Error).message}`);
  }
}

/** The file may have been edited or cut short: what does not look like an item does not count. */
function isStatusItem(value: unknown): value is StatusItem {
  const { kind, metadata, status } = (value ?? {}) as Partial<StatusItem>;
  return typeof kind === "string" && typeof metadata?.name === "string" && typeof status === "object";
}
