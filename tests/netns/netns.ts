// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import { readProcess } from "../../controlplane/tasks/process_table.ts";
import { Background, type BackgroundOptions } from "./background.ts";
import { findLeftovers } from "./netns_name.ts";
import { type CommandOptions, type CommandResult, runCommand } from "./run_command.ts";
import { signalProcess } from "./processes.ts";

const NETNS_DIRECTORY = "/run/netns";
/** Where bpffs may be mounted; pins are in `blixt/<inode of the network namespace>` below. */
const BPFFS_ROOTS = ["/sys/fs/bpf", "/run/blixt/bpf"];

/** One network namespace. */
export class Netns {
  private constructor(readonly name: string) {}

  /** Creates a network namespace with its loopback up. */
  static async create(name: string): Promise<Netns> {
    await runCommand(["ip", "netns", "add", name]);
    const netns = new Netns(name);
    await netns.run(["ip", "link", "set", "lo", "up"]);
    return netns;
  }

  /** One that was created before, here or by another process. */
  static at(name: string): Netns {
    return new Netns(name);
  }

  /** Its number, by which Blixt names pins and sockets. */
  get inode(): number {
    return Deno.statSync(`${NETNS_DIRECTORY}/${this.name}`).ino!;
  }

  /** Runs a command inside, to its end. */
  run(argv: readonly string[], options: Omit<CommandOptions, "netns"> = {}): Promise<CommandResult> {
    return runCommand(argv, { ...options, netns: this.name });
  }

  /** Starts a program inside. */
  start(argv: readonly string[], options: Omit<BackgroundOptions, "netns"> = {}): Background {
    return new Background(argv, { ...options, netns: this.name });
  }

  /** Runs lines of `ip` inside, in one process. */
  async ip(lines: readonly string[]): Promise<void> {
    await this.run(["ip", "-batch", "-"], { input: lines.join("\n") + "\n" });
  }

  /** Writes kernel parameters (`net.…`) inside. */
  async sysctl(settings: Readonly<Record<string, string | number>>): Promise<void> {
    await this.run([
      "sysctl",
      "-q",
      "-w",
      ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
    ]);
  }

  /** What is pinned and what sockets are left for this network namespace: all paths that exist. */
  leftBehind(): string[] {
    return pathsOf(this.inode).filter(exists);
  }

  /** Ends what runs inside, removes pins and sockets, then the network namespace itself. */
  async destroy(): Promise<void> {
    await destroyNetns(this.name);
  }
}

/** Removes what runs of ours left that were killed before they could clean up. */
export async function removeLeftovers(): Promise<void> {
  const names = exists(NETNS_DIRECTORY) ? [...Deno.readDirSync(NETNS_DIRECTORY)].map(({ name }) => name) : [];
  for (const name of findLeftovers(names)) await destroyNetns(name);
}

async function destroyNetns(name: string): Promise<void> {
  await endProcesses(name);
  const path = `${NETNS_DIRECTORY}/${name}`;
  if (!exists(path)) return;
  for (const leftover of pathsOf(Deno.statSync(path).ino!).filter(exists)) {
    await Deno.remove(leftover, { recursive: true });
  }
  // Another run that cleans up at the same moment may have been quicker.
  await runCommand(["ip", "netns", "delete", name], { tolerant: true });
}

/** Kills what runs inside and waits until it is gone: it must not write what is about to be removed. */
async function endProcesses(name: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { stdout } = await runCommand(["ip", "netns", "pids", name], { tolerant: true });
    const pids = stdout.split("\n").filter((line) => line !== "").map(Number);
    const alive = pids.filter((pid) => readProcess(pid) !== undefined);
    if (alive.length === 0) return;
    for (const pid of alive) signalProcess(pid, "SIGKILL");
    await delay(20);
  }
  throw new Error(`processes in ${name} outlive SIGKILL`);
}

function pathsOf(inode: number): string[] {
  return [...BPFFS_ROOTS.map((root) => `${root}/blixt/${inode}`), `/run/blixt/${inode}`];
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
