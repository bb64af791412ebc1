// SPDX-License-Identifier: Apache-2.0

import { basename } from "@std/path";
import { paths } from "../../controlplane/tasks/paths.ts";
import { writeImage } from "../images/archive.ts";
import { PAUSE_IMAGE } from "./node_files.ts";
import { clusterProgram } from "./programs.ts";

const folder = `${paths.cache}/images`;

/** Every image archive that nodes load at their start. */
export async function imageArchives(): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name).catch(() => []);
  return names.filter((name) => name.endsWith(".tar")).sort().map((name) => `${folder}/${name}`);
}

/** Makes the image of a program of the cluster that needs nothing but itself. */
export async function writeProgramImage(program: string, reference: string): Promise<void> {
  const path = `/${program}`;
  const files = [{ path, source: clusterProgram(program) }];
  const archive = `${folder}/${basename(reference).replace(":", "-")}.tar`;
  await writeImage({ reference, files, entrypoint: [path] }, archive);
}

/** Makes the image that every pod begins with. */
export async function writePauseImage(): Promise<void> {
  await writeProgramImage("pause", PAUSE_IMAGE);
}
