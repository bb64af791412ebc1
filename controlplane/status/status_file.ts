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

/** Bytes of a file. */
interface Range {
  readonly from: number;
  readonly length: number;
}

/** A file as it was written, by which it is known again. */
interface Written {
  readonly stamp: string;
  /** Where each item's text stands; the same object is the same text. */
  readonly ranges: ReadonlyMap<StatusItem, Range>;
}

/**
 * A YAML file with a List of objects, each with its status and without its spec. The text of what stays the same is
 * taken from the file itself: in memory that of ten thousand services would take 20 MB.
 */
export class StatusFile {
  readonly #path: string;
  readonly #onError: (message: string) => void;
  #file: Written | undefined;
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
        using before = await this.#before();
        const ranges = new Map<StatusItem, Range>();
        await Deno.writeFile(temporary, ReadableStream.from(pieces(items, ranges, before?.textOf)));
        const stamp = stampOf(await Deno.stat(temporary));
        await Deno.rename(temporary, this.#path);
        this.#file = { stamp, ranges };
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

  /** The file that was written last; nothing where it is another one by now, or was edited. */
  async #before(): Promise<Disposable & { readonly textOf: TextOf } | undefined> {
    const written = this.#file;
    if (written === undefined) return undefined;
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#path);
    } catch {
      return undefined;
    }
    const isSame = stampOf(await file.stat()) === written.stamp;
    const textOf: TextOf = (item) => {
      const range = isSame ? written.ranges.get(item) : undefined;
      return range && readRange(file, range);
    };
    return { textOf, [Symbol.dispose]: () => file.close() };
  }

  #report(what: string, error: unknown): void {
    this.#onError(`Status file ${this.#path} cannot be ${what}: ${(error as Error).message}`);
  }
}

/** The text of an item, where it is at hand. */
type TextOf = (item: StatusItem) => Uint8Array | undefined;

/** The file's text, a few items at a time: all of it at once would be much. Notes where each item comes to stand. */
function* pieces(
  items: readonly StatusItem[],
  ranges: Map<StatusItem, Range>,
  textOf: TextOf = () => undefined,
): Generator<Uint8Array> {
  const header = ENCODER.encode(HEADER + (items.length === 0 ? "items: []\n" : "items:\n"));
  let from = header.length;
  yield header;
  for (let at = 0; at < items.length; at += PIECE) {
    const texts = items.slice(at, at + PIECE).map((item) => {
      const text = textOf(item) ?? ENCODER.encode(writeYaml([item]));
      ranges.set(item, { from, length: text.length });
      from += text.length;
      return text;
    });
    yield joined(texts);
  }
}

function joined(texts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(texts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const text of texts) {
    all.set(text, at);
    at += text.length;
  }
  return all;
}

/** Undefined where the file ends before it. */
function readRange(file: Deno.FsFile, { from, length }: Range): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  file.seekSync(from, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const read = file.readSync(bytes.subarray(at));
    if (read === null) return undefined;
    at += read;
  }
  return bytes;
}

/** What tells a file from another, and from itself once it was edited. */
function stampOf({ dev, ino, size, mtime }: Deno.FileInfo): string {
  return `${dev} ${ino} ${size} ${mtime?.getTime()}`;
}

/** The file may have been edited or cut short: what does not look like an item does not count. */
function isStatusItem(value: unknown): value is StatusItem {
  const { kind, metadata, status } = (value ?? {}) as Partial<StatusItem>;
  return typeof kind === "string" && typeof metadata?.name === "string" && typeof status === "object";
}
