// SPDX-License-Identifier: Apache-2.0

import { copyFile } from "node:fs/promises";
import { paths } from "../../controlplane/tasks/paths.ts";
import { runOnInterrupt } from "./interrupt.ts";
import { findLeftovers, newRunPrefix } from "./netns_name.ts";

/** Where the copies are. */
const PARENT = Deno.env.get("TMPDIR") ?? "/tmp";

/** Gives the replacement for a match and its groups, as String.replaceAll() takes it. */
export type Replacer = (match: string, ...groups: string[]) => string;

/** A copy of sample manifests that a test edits as a user would, as text. */
export class ManifestFolder implements AsyncDisposable {
  readonly #forget: () => void;
  #removed: Promise<void> | undefined;

  private constructor(readonly path: string) {
    this.#forget = runOnInterrupt(() => this[Symbol.asyncDispose]());
  }

  /** Copies a folder under k8s/samples into a temporary one; those that killed runs left are removed. */
  static async copyOf(sample: string): Promise<ManifestFolder> {
    await removeLeftovers();
    const source = `${paths.repository}/k8s/samples/${sample}`;
    const path = `${PARENT}/${newRunPrefix()}-manifests`;
    await Deno.mkdir(path, { mode: 0o700 });
    const folder = new ManifestFolder(path);
    for await (const { name } of Deno.readDir(source)) {
      await copyFile(`${source}/${name}`, `${folder.path}/${name}`);
    }
    return folder;
  }

  /**
   * Replaces every match in a file, `^` and `$` being ends of lines. Throws when nothing changes, so that an edit
   * cannot silently miss.
   */
  async edit(file: string, pattern: RegExp, replacement: string | Replacer): Promise<void> {
    const path = `${this.path}/${file}`;
    const before = await Deno.readTextFile(path);
    const expression = new RegExp(pattern, "gm");
    const after = typeof replacement === "string"
      ? before.replaceAll(expression, replacement)
      : before.replaceAll(expression, replacement);
    if (after === before) throw new Error(`${file} has nothing that matches ${pattern}`);
    await this.write(file, after);
  }

  /** Writes a whole file, new or in place of an old one, in one step: whoever reads meanwhile sees no empty file. */
  async write(file: string, text: string): Promise<void> {
    const part = `${this.path}.part`;
    await Deno.writeTextFile(part, text);
    await Deno.rename(part, `${this.path}/${file}`);
  }

  /** Reads a whole file. */
  async read(file: string): Promise<string> {
    return await Deno.readTextFile(`${this.path}/${file}`);
  }

  /** Reads all files. */
  async readAll(): Promise<string[]> {
    const names = (await Array.fromAsync(Deno.readDir(this.path))).map(({ name }) => name).sort();
    return await Promise.all(names.map((name) => this.read(name)));
  }

  /** Removes a file. */
  async remove(file: string): Promise<void> {
    await Deno.remove(`${this.path}/${file}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#removed ??= Deno.remove(this.path, { recursive: true }).then(this.#forget);
  }
}

async function removeLeftovers(): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(PARENT))).map(({ name }) => name);
  for (const name of findLeftovers(names)) {
    // Another run that cleans up at the same moment may be quicker.
    await Deno.remove(`${PARENT}/${name}`, { recursive: true }).catch(() => {});
  }
}
