// SPDX-License-Identifier: Apache-2.0

import { copyFile } from "node:fs/promises";
import { paths } from "../../controlplane/tasks/paths.ts";

/** Gives the replacement for a match and its groups, as String.replaceAll() takes it. */
export type Replacer = (match: string, ...groups: string[]) => string;

/** A copy of sample manifests that a test edits as a user would, as text. */
export class ManifestFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Copies a folder under k8s/samples into a temporary one. */
  static async copyOf(sample: string): Promise<ManifestFolder> {
    const source = `${paths.repository}/k8s/samples/${sample}`;
    const folder = new ManifestFolder(await Deno.makeTempDir({ prefix: "blixt-manifests-" }));
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
    await Deno.writeTextFile(path, after);
  }

  /** Writes a whole file, new or in place of an old one. */
  async write(file: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/${file}`, text);
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

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
