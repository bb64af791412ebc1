// SPDX-License-Identifier: Apache-2.0

import { poll } from "./poll.ts";

const ROOT = "/sys/fs/cgroup";
/** Milliseconds that killed processes have to leave their control groups. */
const PATIENCE = 5_000;

/** Removes a control group with all below it, in every hierarchy that has it. */
export async function removeControlGroups(name: string): Promise<void> {
  const hierarchies = [...Deno.readDirSync(ROOT)].filter(({ isDirectory }) => isDirectory);
  const folders = [ROOT, ...hierarchies.map(({ name }) => `${ROOT}/${name}`)].map((root) =>
    `${root}/${name}`
  );
  for (const folder of folders) {
    if (!await isFolder(folder)) continue;
    const remove = (): Promise<boolean> => removeGroup(folder).then(() => true);
    if (await poll({ ready: remove, patience: PATIENCE }) !== "ready") await removeGroup(folder);
  }
}

/** A control group is removed as a folder although it shows files; the ones below it first. */
async function removeGroup(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await removeGroup(`${folder}/${name}`);
  }
  await Deno.remove(folder);
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}
