// SPDX-License-Identifier: Apache-2.0

/** Kernel ticks in a second: USER_HZ, 100 on every architecture that Deno runs on (proc_pid_stat(5)). */
const TICKS = 100;

/** What a process has used so far. */
export interface ProcessUse {
  /** Seconds of processor time, of threads that have ended too. */
  readonly cpu: number;
  /** Megabytes of resident memory, now and at most. */
  readonly memory: number;
  readonly mostMemory: number;
}

/** Reads what a process has used. Throws where there is none. */
export function readProcessUse(pid: number): ProcessUse {
  const folder = `/proc/${pid}`;
  return {
    cpu: parseCpu(Deno.readTextFileSync(`${folder}/stat`)),
    ...parseMemory(Deno.readTextFileSync(`${folder}/status`)),
  };
}

/** Seconds of user and system time by the text of /proc/PID/stat, whose second field may hold anything in parentheses. */
export function parseCpu(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime and stime are fields 14 and 15; the first one here is field 3.
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** By the text of /proc/PID/status, which has kibibytes. */
export function parseMemory(status: string): Pick<ProcessUse, "memory" | "mostMemory"> {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1_024 / 1e6;
  return { memory: field("VmRSS"), mostMemory: field("VmHWM") };
}
