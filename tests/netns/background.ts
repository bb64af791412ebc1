// SPDX-License-Identifier: Apache-2.0

import { taskPath } from "../../controlplane/tasks/command.ts";
import type { ProcessEntry } from "../../controlplane/tasks/process_table.ts";
import { inNetns } from "./run_command.ts";
import { isStillThere, processTree, signalProcess } from "./processes.ts";

/** How to start a program that goes on by itself. */
export interface BackgroundOptions {
  /** Name under /run/netns; the present network namespace by default. */
  readonly netns?: string;
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** Milliseconds that outputs may stay open after a program's end. */
const OUTPUT_GRACE = 500;

/** A program that runs beside the test, with what it has written so far. */
export class Background implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #argv: readonly string[];
  readonly #pumps: Promise<void>[];
  /** Aborted when nobody will read the outputs any more. */
  readonly #stopped = new AbortController();
  readonly #listeners = new Set<() => void>();
  /** Lines of stdout and stderr, in the order of arrival. */
  readonly lines: string[] = [];

  constructor(argv: readonly string[], options: BackgroundOptions = {}) {
    const { netns, env = {}, ...rest } = options;
    const [program = "", ...args] = inNetns(netns, argv);
    this.#argv = argv;
    this.#child = new Deno.Command(program, {
      ...rest,
      env: { NO_COLOR: "1", PATH: taskPath(), ...env },
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#pumps = [this.#pump(this.#child.stdout), this.#pump(this.#child.stderr)];
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Settles when the program has ended. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** The program and everything it started, parents first. */
  tree(): ProcessEntry[] {
    return processTree(this.pid);
  }

  /**
   * The first line that matches, past or future, from the line with index `from` on. Throws when the program
   * ends without it or time runs out, in milliseconds.
   */
  async waitForLine(pattern: RegExp, timeout: number, from = 0): Promise<string> {
    const deadline = Date.now() + timeout;
    let ended = false;
    Promise.all(this.#pumps).then(() => {
      ended = true;
      this.#notify();
    });
    for (;;) {
      const line = this.lines.slice(from).find((line) => pattern.test(line));
      if (line !== undefined) return line;
      const left = deadline - Date.now();
      if (ended || left <= 0) {
        const why = ended ? "ended" : `did not write it within ${timeout} ms`;
        throw new Error(`waiting for ${pattern}: ${this.#argv.join(" ")} ${why}\n${this.#tail()}`);
      }
      await this.#change(left);
    }
  }

  /** Waits for the end and gives all lines. Throws when the program fails or time runs out. */
  async finish(timeout: number): Promise<string[]> {
    if (!await withinTime(timeout, [this.ended, ...this.#pumps])) {
      throw new Error(`${this.#argv.join(" ")} took more than ${timeout} ms\n${this.#tail()}`);
    }
    const { code } = await this.ended;
    if (code !== 0) throw new Error(`${this.#argv.join(" ")} ended with code ${code}\n${this.#tail()}`);
    return this.lines;
  }

  /** Sends a signal to the program alone. */
  signal(signal: Deno.Signal): void {
    signalProcess(this.pid, signal);
  }

  /** SIGTERM; after `grace` milliseconds SIGKILL to the program and all that it started. */
  async stop(grace = 3_000): Promise<void> {
    const tree = this.tree();
    this.signal("SIGTERM");
    if (!await withinTime(grace, [this.ended])) this.signal("SIGKILL");
    for (const entry of tree) if (isStillThere(entry)) signalProcess(entry.pid, "SIGKILL");
    await this.ended;
    // What the program started a moment ago may have escaped the list above, and keep the outputs open.
    if (!await withinTime(OUTPUT_GRACE, this.#pumps)) this.#stopped.abort();
    await Promise.all(this.#pumps);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #pump(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    try {
      for await (const text of stream.pipeThrough(new TextDecoderStream(), this.#stopped)) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        this.lines.push(...lines);
        this.#notify();
      }
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    }
    if (rest !== "") this.lines.push(rest);
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Waits for a line, the end or the time-out, in milliseconds. */
  async #change(timeout: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeout);
    this.#listeners.add(resolve);
    await promise;
    this.#listeners.delete(resolve);
    clearTimeout(timer);
  }

  #tail(): string {
    return this.lines.slice(-30).join("\n");
  }
}

/** True when all promises settle within so many milliseconds. */
async function withinTime(timeout: number, promises: readonly Promise<unknown>[]): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeout);
  Promise.all(promises).then(() => resolve(true));
  const result = await promise;
  clearTimeout(timer);
  return result;
}
