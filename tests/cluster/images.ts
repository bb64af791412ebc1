// SPDX-License-Identifier: Apache-2.0

import { paths } from "../../controlplane/tasks/paths.ts";

/** Every image archive that nodes load at their start. */
export async function imageArchives(): Promise<string[]> {
  const folder = `${paths.cache}/images`;
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name).catch(() => []);
  return names.filter((name) => name.endsWith(".tar")).sort().map((name) => `${folder}/${name}`);
}
