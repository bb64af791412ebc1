// SPDX-License-Identifier: Apache-2.0

import { taskPath } from "../../controlplane/tasks/command.ts";

/** How a command ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a command. */
export interface CommandOptions {
  /** Name under /run/netns; the present network namespace by default. */
  readonly netns?: string;
  /** Written to the command's standard input. */
  readonly input?: string;
  /** Milliseconds until the command is killed; 20,000 by default. */
  readonly timeout?: number;
  /** Return a failed command's result instead of throwing. */
  readonly tolerant?: boolean;
}

/**
 * The argument vector that runs `argv` in a network namespace. nsenter changes
 * the network namespace alone; `ip netns exec` would also give the command a
 * mount namespace of its own, in which /sys/fs/bpf is hidden.
 */
export function inNetns(netns: string | undefined, argv: readonly string[]): string[] {
  return netns === undefined ? [...argv] : ["nsenter", `--net=/run/netns/${netns}`, ...argv];
}

/** Runs a command to its end. Throws with what it wrote to stderr when it fails or takes too long. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program = "", ...args] = inNetns(options.netns, argv);
  const timeout = options.timeout ?? 20_000;
  const signal = AbortSignal.timeout(timeout);
  const child = new Deno.Command(program, {
    args,
    env: { PATH: taskPath() },
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  if (options.input !== undefined) {
    const writer = child.stdin.getWriter();
    // A command that ends before it has read its input reports the reason on stderr.
    await writer.write(new TextEncoder().encode(options.input)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const output = await child.output();
  const decoder = new TextDecoder();
  const result = {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
  if (options.tolerant || output.success) return result;
  const end = signal.aborted ? `took more than ${timeout} ms` : `ended with code ${output.code}`;
  throw new Error(`${argv.join(" ")} ${end}: ${(result.stderr || result.stdout).trim()}`);
}
