// SPDX-License-Identifier: Apache-2.0

/** One line of the process table. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** State letter of proc(5); "Z" is dead but not yet reaped. */
  readonly state: string;
  /** Clock ticks after boot at which it started: with the pid this names a process for good. */
  readonly startTime: string;
  readonly command: string;
}

/**
 * Reads /proc/PID/stat. The second field, the file name in parentheses, may hold
 * spaces and parentheses itself, so fields are counted from the last parenthesis.
 */
export function parseStat(stat: string): Omit<ProcessEntry, "command"> {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).trim().split(" ");
  const [state = "", parent = ""] = fields;
  return { pid: parseInt(stat), parent: parseInt(parent), state, startTime: fields[19] ?? "" };
}

/** One process, or undefined when there is none with that pid. */
export function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const entry = parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
    const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    return { ...entry, command };
  } catch (error) {
    // ESRCH comes from a process that ends between opening and reading.
    if (error instanceof Deno.errors.NotFound || String(error).includes("No such process")) return undefined;
    throw error;
  }
}

/** True while that very process, and not a later one with its pid, runs. */
export function isStillThere({ pid, startTime }: Pick<ProcessEntry, "pid" | "startTime">): boolean {
  const entry = readProcess(pid);
  return entry !== undefined && entry.state !== "Z" && entry.startTime === startTime;
}

/** A process and all that it started, parents first. */
export function processTree(root: number): ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (entry === undefined || entry.state === "Z") continue;
    children.set(entry.parent, [...(children.get(entry.parent) ?? []), entry]);
  }
  const first = readProcess(root);
  const tree = first === undefined ? [] : [first];
  for (let index = 0; index < tree.length; index++) tree.push(...(children.get(tree[index]!.pid) ?? []));
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
