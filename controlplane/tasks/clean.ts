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

/** Where to look. */
export interface CleanScope {
  /** Parent of the run folders. */
  readonly runRoot: string;
  /** Every bpffs that may hold pins. */
  readonly bpffs: readonly string[];
}

/** Everything that Blixt may have left on this machine. */
function wholeMachine(): CleanScope {
  const roots = new Set([lastingMountNamespace(paths.repository).root, ""]);
  const places = [...roots].flatMap((root) => BPFFS_PLACES.map((place) => root + place));
  return { runRoot: RUN_ROOT, bpffs: places.filter(isBpffs) };
}

/** Takes everything down. Gives a line for each thing ended or removed. */
export async function clean(scope: CleanScope): Promise<string[]> {
  const folders = (await netnsFolders(scope.runRoot)).map((netns) => runPaths(netns, scope.runRoot));
  const lines: string[] = [];
  for (const { lock } of folders) {
    const pid = await endHolder(lock);
    if (pid !== undefined) lines.push(`ended    deno task start, process ${pid}`);
  }
  for (const bpffs of scope.bpffs) {
    for (const path of await removeTree(`${bpffs}/blixt`)) lines.push(`unpinned ${path}`);
  }
  for (const { folder } of folders) {
    for (const path of await removeTree(folder)) lines.push(`removed  ${path}`);
  }
  return lines;
}

/** Ends the process that holds a lock, if there is one. Gives its id. */
async function endHolder(lock: string): Promise<number | undefined> {
  const holder = await lockHolder(lock);
  if (holder === undefined) return undefined;
  Deno.kill(holder, "SIGTERM");
  for (let waited = 0; waited < STOP_PATIENCE; waited += 50) {
    await delay(50);
    if (await lockHolder(lock) !== holder) return holder;
  }
  Deno.kill(holder, "SIGKILL");
  return holder;
}

/** Inodes of the network namespaces that have a run folder. */
async function netnsFolders(root: string): Promise<number[]> {
  const entries = await Array.fromAsync(Deno.readDir(root)).catch(() => []);
  return entries.filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => Number(name));
}

if (import.meta.main) {
  await runTask(async () => {
    if (Deno.args.includes("--help")) return console.log(USAGE);
    requireRoot("clean");
    const lines = await clean(wholeMachine());
    console.log(lines.length === 0 ? "nothing to clean" : lines.join("\n"));
  });
}
