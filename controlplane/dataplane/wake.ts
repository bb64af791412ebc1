// SPDX-License-Identifier: Apache-2.0

/** A flag that one side raises and another waits for; raising it many times before a wait counts once. */
export class Wake {
  #raised = false;
  #waiting: (() => void) | undefined;

  /** Wakes who waits, now or next. */
  raise(): void {
    this.#raised = true;
    this.#waiting?.();
  }

  /** Waits until it is raised, and takes it down. Rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener("abort", end);
        this.#waiting = undefined;
        if (signal.aborted) return reject(signal.reason);
        this.#raised = false;
        resolve();
      };
      signal.addEventListener("abort", end);
      this.#waiting = end;
      if (this.#raised || signal.aborted) end();
    });
  }
}
