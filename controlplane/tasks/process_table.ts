// SPDX-License-Identifier: Apache-2.0

/** One process, as far as tasks care. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** comm of proc(5): at most 15 characters of the program's name. */
  readonly name: string;
  /** Clock ticks after boot at which it started: with the pid this names a process for good. */
  readonly startTime: string;
  /** Argument vector, or what the program has put in its place. */
  readonly argv: readonly string[];
}

/** Looks one process up; undefined for one that has ended, reaped or not. */
export type ProcessReader = (pid: number) => ProcessEntry | undefined;

/** Reads /proc/PID/stat and /proc/PID/cmdline. */
export const readProcess: ProcessReader = (pid) => {
  const stat = readProcFile(`/proc/${pid}/stat`);
  const cmdline = readProcFile(`/proc/${pid}/cmdline`);
  if (stat === undefined || cmdline === undefined) return undefined;
  // The name stands in parentheses and may hold spaces and parentheses itself.
  const nameEnd = stat.lastIndexOf(")");
  const [state, parent, ...fields] = stat.slice(nameEnd + 2).split(" ");
  if (state === "Z" || state === "X") return undefined;
  return {
    pid,
    parent: Number(parent),
    name: stat.slice(stat.indexOf("(") + 1, nameEnd),
    startTime: fields[17] ?? "",
    argv: cmdline.replace(/\0$/, "").split("\0"),
  };
};

function readProcFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** A process's ancestors, parent first. */
export function ancestors(pid: number, read: ProcessReader = readProcess): ProcessEntry[] {
  const found: ProcessEntry[] = [];
  for (let entry = read(pid); entry !== undefined && entry.parent > 0;) {
    entry = read(entry.parent);
    if (entry !== undefined) found.push(entry);
  }
  return found;
}
