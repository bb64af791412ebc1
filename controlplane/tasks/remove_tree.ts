// SPDX-License-Identifier: Apache-2.0

/**
 * Removes a folder with all in it, or a file. Gives the paths removed, leaves
 * before folders; none when there was nothing.
 */
export async function removeTree(path: string): Promise<string[]> {
  const info = await Deno.lstat(path).catch(() => undefined);
  if (info === undefined) return [];
  const removed: string[] = [];
  if (info.isDirectory) {
    const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
    for (const name of names) removed.push(...await removeTree(`${path}/${name}`));
  }
  await Deno.remove(path);
  return [...removed, path];
}
