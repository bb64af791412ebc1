// SPDX-License-Identifier: Apache-2.0

/** What one flow is to do. */
export interface FlowPlan {
  readonly to: string;
  readonly port: number;
  /** The client's address; needed for UDP, where the socket does not tell. */
  readonly from: string | undefined;
  readonly messages: number;
  /** Milliseconds between an answer and the next question. */
  readonly interval: number;
  /** True once no further message is wanted. */
  readonly isOver: () => boolean;
  /** Milliseconds. */
  readonly timeout: number;
  /** Called once the first message was answered or the flow has failed. */
  readonly holdOpen: () => Promise<void>;
}

/** A flow's end other than by plan. */
export class FlowError extends Error {}

/** Milliseconds that a timer may come late in a process that has its turns. */
const TURN = 50;

/**
 * The result of a promise, or a FlowError "TimedOut" after so many milliseconds. A timer that comes late says that
 * this process had no turn on a busy machine: what it waits for may have been there for long, and gets the time again.
 */
export async function within<T>(timeout: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const wait = (): void => {
      const due = performance.now() + timeout;
      timer = setTimeout(() => {
        if (performance.now() > due + TURN) wait();
        else reject(new FlowError("TimedOut"));
      }, timeout);
    };
    wait();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The short name of what went wrong: a FlowError's message, or the name of Deno's error class. */
export function failureName(error: unknown): string {
  if (error instanceof FlowError) return error.message;
  return error instanceof Error ? error.name : String(error);
}
