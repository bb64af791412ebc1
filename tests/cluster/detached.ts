// SPDX-License-Identifier: Apache-2.0

import { lastLines, taskPath } from "../../controlplane/tasks/command.ts";
import { readProcess } from "../../controlplane/tasks/process_table.ts";
import { isStillThere, signalProcess } from "../netns/processes.ts";
import { poll } from "./poll.ts";

/** A process that outlives the task that started it, as the next task finds it again. */
export interface Detached {
  /** What it is, for people. */
  readonly name: string;
  readonly pid: number;
  /** With the pid this names the process for good. */
  readonly startTime: string;
  /** File with everything it has written. */
  readonly log: string;
}

/** Milliseconds that the kernel has to end killed processes. */
const GRACE = 10_000;

/** Starts a program in a session of its own, with both outputs added to a file. */
export function startDetached(name: string, argv: readonly string[], log: string): Detached {
  const child = new Deno.Command("setsid", {
    args: ["sh", "-c", `exec "$@" >>"$0" 2>&1`, log, ...argv],
    env: { PATH: taskPath() },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
  return { name, pid: child.pid, startTime: readProcess(child.pid)?.startTime ?? "", log };
}

/** Waits until `ready` says true. Throws with the log's end when the process ends first or time runs out, in ms. */
export async function waitForDetached(
  process: Detached,
  ready: () => Promise<boolean>,
  patience: number,
): Promise<void> {
  const outcome = await poll({ ready, patience, ended: () => !isStillThere(process) });
  if (outcome === "ready") return;
  const why = outcome === "ended" ? "ended" : `is not ready after ${patience} ms`;
  const log = await Deno.readTextFile(process.log).catch(() => "");
  throw new Error(`${process.name} ${why}; the end of ${process.log}:\n${lastLines(log, 15)}`);
}

/** Ends processes at once: a cluster that goes away has nothing to put in order. */
export async function killDetached(processes: readonly Detached[]): Promise<void> {
  const left = (): Detached[] => processes.filter((process) => isStillThere(process));
  for (const { pid } of left()) signalProcess(pid, "SIGKILL");
  const gone = (): Promise<boolean> => Promise.resolve(left().length === 0);
  if (await poll({ ready: gone, patience: GRACE }) === "ready") return;
  throw new Error(
    `these processes do not end: ${left().map(({ name, pid }) => `${name} (${pid})`).join(", ")}`,
  );
}
