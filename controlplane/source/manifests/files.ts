// SPDX-License-Identifier: Apache-2.0

// Finds manifest files in a folder and reads those that changed.

const EXTENSIONS = [".yaml", ".yml", ".json"];

/** A modification time younger than this, in milliseconds, may hide another change at the same time stamp. */
const UNTRUSTED_AGE = 2_000;

/** A file as it was read; the text is absent, with the reason, when it could not be. */
export interface ManifestFile {
  readonly path: string;
  readonly text?: string;
  readonly error?: string;
}

interface Cached {
  readonly file: ManifestFile;
  readonly stamp: string;
  /** Whether the same stamp later means the same content. */
  readonly trusted: boolean;
  /** True for one that was found empty at the last look, and stays as it was before. */
  readonly emptied?: boolean;
}

/** Reads the files of a folder again and again; a file that did not change is the same object as before. */
export class ManifestFiles {
  readonly #folder: string;
  #cache = new Map<string, Cached>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All manifest files below the folder, sorted by path. Throws when the folder itself cannot be read. */
  async read(): Promise<readonly ManifestFile[]> {
    const paths: string[] = [];
    await collect(this.#folder, paths, new Set());
    const cache = new Map<string, Cached>();
    for (const path of paths.sort()) {
      const cached = await this.#readFile(path);
      if (cached !== undefined) cache.set(path, cached);
    }
    this.#cache = cache;
    return [...cache.values()].map(({ file }) => file);
  }

  /** Nothing for a file that went away since it was listed. */
  async #readFile(path: string): Promise<Cached | undefined> {
    const before = this.#cache.get(path);
    try {
      const { mtime, size, ino, dev } = await Deno.stat(path);
      const stamp = `${mtime?.getTime()} ${size} ${ino} ${dev}`;
      if (before?.trusted && before.stamp === stamp) return before;
      const trusted = Date.now() - (mtime?.getTime() ?? 0) > UNTRUSTED_AGE;
      const text = await Deno.readTextFile(path);
      // Who writes a file anew empties it first: not before the next look does that mean that its objects are gone.
      const emptied = text === "" && before !== undefined && (before.file.text ?? "") !== "";
      if (emptied && !before.emptied) return { ...before, trusted: false, emptied };
      const file = before !== undefined && before.file.text === text ? before.file : { path, text };
      return { file, stamp, trusted };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && !await exists(path)) return undefined;
      const reason = `cannot be read: ${(error as Error).message}`;
      const file = before?.file.error === reason ? before.file : { path, error: reason };
      return { file, stamp: "", trusted: false };
    }
  }
}

/** Adds the manifest files below a folder. Hidden names are left out, links are followed, each folder once. */
async function collect(folder: string, paths: string[], visited: Set<string>): Promise<void> {
  const real = await Deno.realPath(folder);
  if (visited.has(real)) return;
  visited.add(real);
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.startsWith(".")) continue;
    const path = `${folder.replace(/\/+$/, "")}/${entry.name}`;
    const directory = entry.isSymlink ? await isDirectory(path) : entry.isDirectory;
    if (directory) await collect(path, paths, visited);
    else if (EXTENSIONS.some((extension) => entry.name.endsWith(extension))) paths.push(path);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false; // A dangling link; reading it as a file says so if its name is a manifest's.
  }
}

/** True for a link too, whether or not its target is there. */
async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
