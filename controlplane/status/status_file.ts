// SPDX-License-Identifier: Apache-2.0

// The file in which a user, without Kubernetes, reads what became of each
// object, and from which a restarted control plane takes the addresses it gave.

import { parse, stringify } from "yaml";
import type { Kind } from "../api/snapshot.ts";
import type { Status } from "./merge.ts";

const HEADER = "# What Blixt says of every object; written again whenever something changes.\n";

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
  #latest: string | undefined;
  #written: string | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, onError: (message: string) => void) {
    this.#path = path;
    this.#onError = onError;
  }

  /** The items of the last run; none when there was none or the file cannot be understood. */
  async read(): Promise<readonly StatusItem[]> {
    try {
      const content = parse(await Deno.readTextFile(this.#path)) as { readonly items?: unknown } | null;
      return Array.isArray(content?.items) ? content.items.filter(isStatusItem) : [];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#report("read", error);
      return [];
    }
  }

  /** Replaces the file's content in the background; the latest call wins, and the same content is not written again. */
  write(items: readonly StatusItem[]): void {
    this.#latest = HEADER +
      stringify({ apiVersion: "v1", kind: "List", items }, { aliasDuplicateObjects: false });
    this.#writing ??= this.#writeLatest().finally(() => this.#writing = undefined);
  }

  /** Waits for the last write. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #writeLatest(): Promise<void> {
    while (this.#latest !== undefined && this.#latest !== this.#written) {
      const text = this.#latest;
      const temporary = `${this.#path}.new`;
      try {
        await Deno.writeTextFile(temporary, text);
        await Deno.rename(temporary, this.#path);
      } catch (error) {
        this.#report("written", error);
      }
      this.#written = text;
    }
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
