// SPDX-License-Identifier: Apache-2.0

import { findProgram, lastLines, taskPath } from "../../controlplane/tasks/command.ts";
import { poll } from "./poll.ts";

/** A server that a test has started, which the kernel ends with the test's process. */
export class Daemon implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #written: Promise<void>;
  readonly #log: string;
  #ended = false;

  private constructor(child: Deno.ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
    child.status.then(() => this.#ended = true);
    this.#written = child.stderr.pipeTo(
      Deno.openSync(log, { create: true, append: true }).writable,
    );
  }

  /** Starts a program whose standard error, where Go programs write their log, is added to a file. */
  static async start(argv: readonly string[], log: string): Promise<Daemon> {
    const setpriv = await findProgram("setpriv");
    if (setpriv === undefined) throw new Error("setpriv of util-linux is not installed");
    const child = new Deno.Command(setpriv, {
      args: ["--pdeathsig", "KILL", ...argv],
      env: { PATH: taskPath() },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new Daemon(child, log);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until `ready` says true. Throws with the log's end when the program ends first or time runs out. */
  async waitUntil(ready: () => Promise<boolean>, patience: number): Promise<void> {
    const outcome = await poll({ ready, patience, ended: () => this.#ended });
    if (outcome === "ready") return;
    const why = outcome === "ended" ? "ended" : `is not ready after ${patience} ms`;
    const log = await Deno.readTextFile(this.#log);
    throw new Error(`process ${this.pid} ${why}; the end of ${this.#log}:\n${lastLines(log, 15)}`);
  }

  /** Ends it at once, as a crash would. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#written;
  }
}
