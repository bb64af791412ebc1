// SPDX-License-Identifier: Apache-2.0

/** What the figures were taken on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
}

/** The present machine. */
export async function thisMachine(): Promise<Machine> {
  return {
    processor: parseProcessor(await Deno.readTextFile("/proc/cpuinfo")),
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
  };
}

/** The processor's name by the text of /proc/cpuinfo, or its architecture where that has no name. */
export function parseProcessor(cpuinfo: string): string {
  return /^model name\s*: (.+)$/m.exec(cpuinfo)?.[1]?.trim() ?? Deno.build.arch;
}

/** One line for people. */
export function describeMachine({ processor, cores, kernel }: Machine): string {
  return `${processor}, ${cores} cores, Linux ${kernel}`;
}
