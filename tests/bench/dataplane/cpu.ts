// SPDX-License-Identifier: Apache-2.0

/** Units of /proc/stat in a second: USER_HZ, 100 on every architecture that Linux has. */
const USER_HZ = 100;

/** Fields of the line "cpu" in which the machine worked: user, nice, system, irq, softirq (proc(5)). */
const BUSY = [0, 1, 2, 5, 6];

/**
 * Seconds that all processors together have worked, by the text of /proc/stat. The whole machine's, because no group
 * of processes is charged with what the kernel does for packets in soft interrupts.
 */
export function parseBusy(stat: string): number {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1];
  if (line === undefined) throw new Error("/proc/stat has no line for all processors");
  const fields = line.split(/\s+/).map(Number);
  return BUSY.reduce((sum, field) => sum + (fields[field] ?? 0), 0) / USER_HZ;
}

/** Runs something and says how many seconds the machine's processors worked meanwhile. */
export async function withBusy<T>(work: () => Promise<T>): Promise<{ result: T; busy: number }> {
  const read = async (): Promise<number> => parseBusy(await Deno.readTextFile("/proc/stat"));
  const before = await read();
  const result = await work();
  return { result, busy: await read() - before };
}
