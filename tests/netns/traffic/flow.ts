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
  /** Milliseconds. */
  readonly timeout: number;
  /** Called once the first message was answered or the flow has failed. */
  readonly holdOpen: () => Promise<void>;
}

/** A flow's end other than by plan. */
export class FlowError extends Error {}

/** The result of a promise, or a FlowError "TimedOut" after so many milliseconds. */
export async function within<T>(timeout: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new FlowError("TimedOut")), timeout);
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
