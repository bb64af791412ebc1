// SPDX-License-Identifier: Apache-2.0

import { type ProcessEntry, type ProcessReader, readProcess } from "./process_table.ts";

/** The processes between the user's command and this one. */
export interface Launcher {
  /** `deno task`. */
  readonly task?: ProcessEntry;
  /** The shell through which npx starts deno. */
  readonly shell?: ProcessEntry;
  /** `npx`. */
  readonly npx?: ProcessEntry;
}

/** How the user ended the command: politely, or with SIGKILL. */
export type LauncherEnd = "terminated" | "killed";

/** Finds what started this process: nothing, `deno task`, or `npx deno task`. */
export function findLauncher(pid: number, read: ProcessReader = readProcess): Launcher {
  const task = parentOf(read(pid), read);
  if (task === undefined || !task.argv.includes("task")) return {};
  const shell = parentOf(task, read);
  const npx = parentOf(shell, read);
  return shell?.argv[1] === "-c" && npx?.argv[0]?.startsWith("npm ") ? { task, shell, npx } : { task };
}

function parentOf(entry: ProcessEntry | undefined, read: ProcessReader): ProcessEntry | undefined {
  return entry === undefined ? undefined : read(entry.parent);
}

/**
 * Says whether the launcher has ended, and how. `deno task` passes signals on,
 * but npx ends only its shell on SIGTERM, and SIGKILL is never passed on: the
 * one can be told from the other by whether the shell went with npx.
 */
export function launcherEnd(launcher: Launcher, read: ProcessReader = readProcess): LauncherEnd | undefined {
  const gone = (entry: ProcessEntry | undefined): boolean =>
    entry !== undefined && read(entry.pid)?.startTime !== entry.startTime;
  if (gone(launcher.shell)) return "terminated";
  return gone(launcher.npx) || gone(launcher.task) ? "killed" : undefined;
}

/** Settles when the launcher has ended; looks every quarter of a second. Never settles after the abort. */
export function watchLauncher(launcher: Launcher, signal: AbortSignal): Promise<LauncherEnd> {
  const { promise, resolve } = Promise.withResolvers<LauncherEnd>();
  const timer = setInterval(() => {
    const end = launcherEnd(launcher);
    if (end !== undefined) resolve(end);
  }, 250);
  signal.addEventListener("abort", () => clearInterval(timer));
  return promise;
}
