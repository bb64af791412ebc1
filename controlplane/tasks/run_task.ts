// SPDX-License-Identifier: Apache-2.0

/** The command line is wrong; ends the process with EX_USAGE of sysexits.h. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const EX_USAGE = 64;

/** Runs a task as the whole process: a failure becomes its message on standard error and an exit code. */
export async function runTask(task: () => Promise<void | number>): Promise<never> {
  try {
    Deno.exit(await task() ?? 0);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exit(error instanceof UsageError ? EX_USAGE : 1);
  }
}

/** Throws when the user is not root: only root may load programs into the kernel. */
export function requireRoot(task: string, uid: number | null = Deno.uid()): void {
  if (uid === 0) return;
  throw new Error(`deno task ${task} loads programs into the kernel and so needs root: run it with sudo`);
}
