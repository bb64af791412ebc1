// SPDX-License-Identifier: Apache-2.0

import { deadline } from "@std/async/deadline";

/** A running child, as far as supervision cares; a Deno.ChildProcess is one. */
export interface Child {
  readonly status: Promise<Deno.CommandStatus>;
  kill(signal: Deno.Signal): void;
}

/** Why the supervisor should end its children: on request, or because nobody is left to ask. */
export type StopReason = "terminated" | "killed";

/** What the supervisor watches, and how. */
export interface SupervisorOptions {
  readonly loader: Child;
  readonly controlPlane: Child;
  /** Settles when both are to end. */
  readonly stop: Promise<StopReason>;
  /** Milliseconds that each child has to end after SIGTERM. */
  readonly patience: number;
  /** Tells the user. */
  readonly say: (line: string) => void;
}

/** How it ended: all taken down as asked, or left in the kernel for the next start. */
export type SupervisorEnd = "stopped" | "left running in the kernel";

/**
 * Waits for the end. On request the control plane ends first, since it takes
 * down what it has programmed through the loader. When a child ends by itself
 * the other is killed at once, before it can take anything down.
 */
export async function supervise(options: SupervisorOptions): Promise<SupervisorEnd> {
  const { loader, controlPlane, say } = options;
  const first = await Promise.race([
    options.stop,
    ended("the control plane", controlPlane),
    ended("the loader", loader),
  ]);
  if (first === "terminated") {
    await terminate("the control plane", controlPlane, options);
    await terminate("the loader", loader, options);
    return "stopped";
  }
  for (const child of [controlPlane, loader]) await killChild(child);
  const why = first === "killed" ? "the command was killed" : first;
  say(`${why}: packets go on; the next start takes over, deno task clean takes everything down`);
  return "left running in the kernel";
}

async function ended(name: string, child: Child): Promise<string> {
  const { code, signal } = await child.status;
  return signal === null ? `${name} ended with code ${code}` : `${name} was ended by ${signal}`;
}

async function terminate(name: string, child: Child, options: SupervisorOptions): Promise<void> {
  signalChild(child, "SIGTERM");
  try {
    await deadline(child.status, options.patience);
  } catch {
    options.say(`${name} did not end within ${options.patience} ms and was killed`);
    await killChild(child);
  }
}

async function killChild(child: Child): Promise<void> {
  signalChild(child, "SIGKILL");
  await child.status;
}

function signalChild(child: Child, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already, which is what the signal is for.
  }
}
