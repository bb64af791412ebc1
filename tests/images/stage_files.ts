// SPDX-License-Identifier: Apache-2.0

import { basename, globToRegExp, join } from "@std/path";
import type { ImageFile } from "./archive.ts";
import type { Stage } from "./containerfile.ts";

/** Where on this machine lies what a stage of a Containerfile leaves: "stage:/path" to a path. */
export type StandIns = Readonly<Record<string, string>>;

/** Whether a file stays out of the image, by its path on this machine. */
export type Ignores = (path: string) => boolean;

/** The files that a stage copies, found on this machine. Throws when one has no stand-in. */
export async function stageFiles(
  stage: Stage,
  standIns: StandIns,
  ignores: Ignores = () => false,
): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  for (const { stage: from, sources, destination } of stage.copies) {
    for (const source of sources) {
      const here = standIn(`${from}:${source}`, standIns);
      const { isDirectory } = await Deno.stat(here);
      const target = !isDirectory && destination.endsWith("/")
        ? `${destination}${basename(source)}`
        : destination;
      if (isDirectory) files.push(...await folderFiles(here, target, ignores));
      else files.push({ path: target, source: here });
    }
  }
  return files;
}

function standIn(place: string, standIns: StandIns): string {
  const prefixes = Object.keys(standIns).filter((prefix) =>
    place === prefix || place.startsWith(`${prefix}/`)
  );
  const [longest] = prefixes.sort((a, b) => b.length - a.length);
  if (longest === undefined) throw new Error(`Nothing on this machine stands in for ${place}`);
  return `${standIns[longest]}${place.slice(longest.length)}`;
}

async function folderFiles(folder: string, target: string, ignores: Ignores): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const [source, path] = [join(folder, name), join(target, name)];
    if (ignores(source)) continue;
    const { isDirectory } = await Deno.stat(source);
    if (isDirectory) files.push(...await folderFiles(source, path, ignores));
    else files.push({ path, source });
  }
  return files;
}

/** Reads a .dockerignore of plain patterns, which are about paths in a folder. Throws on an exception ("!"). */
export function parseIgnoreFile(text: string, folder: string): Ignores {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) =>
    line !== "" && !line.startsWith("#")
  );
  const exception = lines.find((line) => line.startsWith("!"));
  if (exception !== undefined) throw new SyntaxError(`The exception ${exception} is not supported`);
  const patterns = lines.map((line) => globToRegExp(line));
  return (path) =>
    path.startsWith(`${folder}/`) &&
    patterns.some((pattern) => pattern.test(path.slice(folder.length + 1)));
}
