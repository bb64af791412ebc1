// SPDX-License-Identifier: Apache-2.0

import type { ProcessEntry } from "../../controlplane/tasks/process_table.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { Background } from "./background.ts";
import type { Netns } from "./netns.ts";
import { signalProcess } from "./processes.ts";

/** How to run `deno task start`. */
export interface BlixtOptions {
  /** Folder of manifests. */
  readonly manifests: string;
  /** Values of --interface; found by itself when absent. */
  readonly interfaces?: readonly string[];
  /** Value of --node: the Node among the manifests that this is. */
  readonly node?: string;
  /** Further options of the command. */
  readonly flags?: readonly string[];
  /** Milliseconds until the line "ready" must have come; 60,000 by default. */
  readonly patience?: number;
}

/** The two processes that do the work; the third one, `deno task start` itself, only watches them. */
export type Part = "loader" | "control plane";

/** Blixt as `deno task start` runs it inside one network namespace. */
export class Blixt implements AsyncDisposable {
  private constructor(
    readonly netns: Netns,
    readonly program: Background,
  ) {}

  /** Starts it and returns when it is ready. */
  static async start(netns: Netns, options: BlixtOptions): Promise<Blixt> {
    const blixt = Blixt.launch(netns, options);
    try {
      await blixt.program.waitForLine(/^ready\b/, options.patience ?? 60_000);
    } catch (error) {
      await blixt.killAll();
      throw error;
    }
    return blixt;
  }

  /** Starts it and does not wait. */
  static launch(netns: Netns, { manifests, interfaces = [], node, flags = [] }: BlixtOptions): Blixt {
    const named = interfaces.flatMap((name) => ["--interface", name]);
    if (node !== undefined) named.push("--node", node);
    const argv = [Deno.execPath(), "task", "start", "--manifests", manifests, ...named, ...flags];
    return new Blixt(netns, netns.start(argv, { cwd: paths.repository }));
  }

  /** Makes one change and waits until the kernel has it. Throws when it has no effect within half a minute. */
  async apply(change: () => Promise<void>): Promise<void> {
    const from = this.program.lines.length;
    await change();
    await this.program.waitForLine(/^applied\b/, 30_000, from);
  }

  /** The process that is a part. Throws when it does not run. */
  process(part: Part): ProcessEntry {
    const isPart = part === "loader"
      ? (argv: readonly string[]) => argv[0] === paths.loader
      : (argv: readonly string[]) => argv.some((word) => word.endsWith("/controlplane/main.ts"));
    const found = this.program.tree().find(({ argv }) => isPart(argv));
    if (found === undefined) {
      throw new Error(`the ${part} does not run: ${this.program.lines.slice(-10).join("\n")}`);
    }
    return found;
  }

  /** SIGKILL to one part. */
  kill(part: Part): void {
    signalProcess(this.process(part).pid, "SIGKILL");
  }

  /** SIGKILL to both parts and to what watches them, all at once. */
  async killAll(): Promise<void> {
    // Children first: whoever watches them must not have the time to react.
    for (const { pid } of this.program.tree().reverse()) signalProcess(pid, "SIGKILL");
    await this.program.stop();
  }

  /** SIGTERM, as a user stops it. Throws when it fails or takes longer than 20 seconds. */
  async stop(): Promise<void> {
    this.program.signal("SIGTERM");
    await this.program.finish(60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop(10_000);
  }
}
