// SPDX-License-Identifier: Apache-2.0

import type { Screen } from "./screen.ts";

/** Counts what holds and what does not, with a line for each. */
export class Checks {
  readonly #screen: Screen;
  passed = 0;
  failed = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Notes one result. `detail` says what was seen, and is shown either way. */
  check(holds: boolean, claim: string, detail = ""): void {
    const word = holds ? this.#screen.paint("pass", "green") : this.#screen.paint("FAIL", "red");
    if (holds) this.passed++;
    else this.failed++;
    this.#screen.print(
      `  ${word}  ${claim}${detail === "" ? "" : this.#screen.paint(` (${detail})`, "dim")}`,
    );
  }

  /** Runs a step; an exception is a failed check, so that the steps after it still run. */
  async attempt(claim: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.check(false, claim, error instanceof Error ? error.message : String(error));
    }
  }

  /** The last line, for people and programs. */
  get summary(): string {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}
