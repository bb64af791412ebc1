// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import { BPFFS_PLACES, isBpffs } from "./bpffs.ts";
import { lastingMountNamespace } from "./mount_namespace.ts";
import { paths } from "./paths.ts";
import { removeTree } from "./remove_tree.ts";
import { RUN_ROOT, runPaths } from "./run_paths.ts";
import { requireRoot, runTask } from "./run_task.ts";
import { lockHolder } from "./start_lock.ts";

const USAGE = `deno task clean

Ends every running deno task start and removes everything pinned in the kernel, in every network namespace,
which detaches all programs and forgets all flows; then sockets and run folders. Prints what it removed.`;

/** Milliseconds a running start has to take down what it programmed. */
const STOP_PATIENCE = 15_000;

/** Ends what runs in the network namespaces that have a run folder. Gives the process ids. */
async function endRunning(): Promise<number[]> {
  const ended: number[] = [];
  for (const netns of await netnsFolders(RUN_ROOT)) {
    const { lock } = runPaths(netns);
    const holder = await lockHolder(lock);
    if (holder === undefined) continue;
    ended.push(holder);
    Deno.kill(holder, "SIGTERM");
    for (let waited = 0; waited < STOP_PATIENCE && await lockHolder(lock) === holder; waited += 50) {
      await delay(50);
    }
    if (await lockHolder(lock) === holder) Deno.kill(holder, "SIGKILL");
  }
  return ended;
}

/** Folders named by a network namespace's inode. */
async function netnsFolders(root: string): Promise<number[]> {
  const entries = await Array.fromAsync(Deno.readDir(root)).catch(() => []);
  return entries.filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => Number(name));
}

/** Takes everything down. Gives a line for each thing ended or removed. */
export async function clean(): Promise<string[]> {
  const lines = (await endRunning()).map((pid) => `ended    deno task start, process ${pid}`);
  // A folder that both namespaces see is removed through the first name it is met by.
  const roots = [...new Set([lastingMountNamespace(paths.repository).root, ""])];
  for (const bpffs of roots.flatMap((root) => BPFFS_PLACES.map((place) => root + place)).filter(isBpffs)) {
    for (const path of await removeTree(`${bpffs}/blixt`)) lines.push(`unpinned ${path}`);
  }
  for (const netns of await netnsFolders(RUN_ROOT)) {
    for (const path of await removeTree(runPaths(netns).folder)) lines.push(`removed  ${path}`);
  }
  return lines;
}

if (import.meta.main) {
  await runTask(async () => {
    if (Deno.args.includes("--help")) return console.log(USAGE);
    requireRoot("clean");
    const lines = await clean();
    console.log(lines.length === 0 ? "nothing to clean" : lines.join("\n"));
  });
}
