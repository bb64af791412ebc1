// SPDX-License-Identifier: Apache-2.0

/** Where progress goes and what the time is. */
export interface ProgressTarget {
  readonly terminal: boolean;
  write(text: string): void;
  /** Milliseconds. */
  now(): number;
}

/** Steps that end sooner than this are not mentioned, in milliseconds. */
const QUIET = 1_000;

const encoder = new TextEncoder();

/** Standard error, so that a task's standard output stays its own. */
export const stderrTarget: ProgressTarget = {
  terminal: Deno.stderr.isTerminal(),
  write: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
  now: () => performance.now(),
};

/**
 * Runs a step and shows it on a line of its own once it has taken a second:
 * its name at once, the seconds at the end, and on a terminal a counter in
 * between.
 */
export async function step<T>(
  name: string,
  work: () => Promise<T>,
  target: ProgressTarget = stderrTarget,
): Promise<T> {
  const start = target.now();
  const seconds = (): string => `${Math.round((target.now() - start) / 1000)} s`;
  let shown = false;
  const show = (): void => {
    if (target.terminal) target.write(`\r${name} … ${seconds()}`);
    else if (!shown) target.write(`${name} … `);
    shown = true;
  };
  const timer = setInterval(show, QUIET);
  let failed = true;
  try {
    const result = await work();
    failed = false;
    return result;
  } finally {
    clearInterval(timer);
    if (shown || failed) {
      const line = `${name} … ${failed ? "failed after " : ""}${seconds()}`;
      target.write(target.terminal ? `\r${line}\n` : `${shown ? line.slice(name.length + 3) : line}\n`);
    }
  }
}
