// SPDX-License-Identifier: Apache-2.0

type Cleanup = () => Promise<void>;

const cleanups = new Set<Cleanup>();
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
let interrupted = false;

/** Runs what is registered, newest first, and ends this process with the exit code. */
export async function interrupt(code: number): Promise<void> {
  if (interrupted) return;
  interrupted = true;
  for (const cleanup of [...cleanups].reverse()) {
    await cleanup().catch((error: unknown) => console.error(`clean-up failed: ${error}`));
  }
  try {
    Deno.exit(code);
  } catch {
    // `deno test` lets no test end it, and would go on with the next one.
    Deno.kill(Deno.pid, "SIGKILL");
  }
}

const onInterrupt = (): void => void interrupt(130);
const onTerminate = (): void => void interrupt(143);

/**
 * Returns at once, or never when this process is being interrupted: its end
 * must wait for the clean-ups.
 */
export function outliveInterrupt(): Promise<void> {
  return interrupted ? new Promise(() => {}) : Promise.resolve();
}

/**
 * Runs a function when this process gets SIGINT or SIGTERM, before it ends.
 * Returns what takes the registration back; with the last one the signals
 * have their usual effect again.
 */
export function runOnInterrupt(cleanup: Cleanup): () => void {
  if (cleanups.size === 0) {
    Deno.addSignalListener(SIGNALS[0], onInterrupt);
    Deno.addSignalListener(SIGNALS[1], onTerminate);
  }
  cleanups.add(cleanup);
  return () => {
    if (!cleanups.delete(cleanup) || cleanups.size > 0) return;
    Deno.removeSignalListener(SIGNALS[0], onInterrupt);
    Deno.removeSignalListener(SIGNALS[1], onTerminate);
  };
}
