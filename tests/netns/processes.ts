// SPDX-License-Identifier: Apache-2.0

import {
  type ProcessEntry,
  type ProcessReader,
  readProcess,
} from "../../controlplane/tasks/process_table.ts";

/** True while that very process, and not a later one with its pid, runs. */
export function isStillThere(
  { pid, startTime }: Pick<ProcessEntry, "pid" | "startTime">,
  read: ProcessReader = readProcess,
): boolean {
  return read(pid)?.startTime === startTime;
}

/** All processes there are now. */
export function* everyProcess(): Generator<ProcessEntry> {
  for (const { name } of Deno.readDirSync("/proc")) {
    const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (entry !== undefined) yield entry;
  }
}

/** A process and all that it started, parents first; empty when it has ended. */
export function processTree(root: number, all: Iterable<ProcessEntry> = everyProcess()): ProcessEntry[] {
  const byParent = Map.groupBy(all, ({ parent }) => parent);
  const tree = [...byParent.values()].flat().filter(({ pid }) => pid === root);
  for (let index = 0; index < tree.length; index++) tree.push(...(byParent.get(tree[index]!.pid) ?? []));
  return tree;
}

/** Sends a signal; a process that has ended in the meantime is no error. */
export function signalProcess(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !String(error).includes("ESRCH")) throw error;
  }
}
