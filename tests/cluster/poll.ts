// SPDX-License-Identifier: Apache-2.0

/** What to wait for, and for how long. */
export interface PollOptions {
  /** A failure counts as "not yet". */
  readonly ready: () => Promise<boolean>;
  /** Milliseconds. */
  readonly patience: number;
  /** True when waiting is pointless; never by default. */
  readonly ended?: () => boolean;
}

/** How waiting ended. */
export type PollOutcome = "ready" | "ended" | "late";

/** Milliseconds between two looks. */
const PAUSE = 50;

/** Looks again and again until something is ready. */
export async function poll({ ready, patience, ended = () => false }: PollOptions): Promise<PollOutcome> {
  const deadline = performance.now() + patience;
  for (;;) {
    if (await ready().catch(() => false)) return "ready";
    if (ended()) return "ended";
    if (performance.now() > deadline) return "late";
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
