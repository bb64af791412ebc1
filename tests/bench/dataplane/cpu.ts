// SPDX-License-Identifier: Apache-2.0

/**
 * Seconds of processor time that processes have taken so far, all their threads together. What the kernel does for a
 * packet between network namespaces is in the time of whoever sent it, so that the client, the balancer's programs and
 * the servers together are what a packet costs; other programs of the machine are not in it.
 */
export function cpuTime(pids: readonly number[]): number {
  return [...threadTimes(pids).values()].reduce((sum, seconds) => sum + seconds, 0);
}

/** The same for each thread by its id. */
export function threadTimes(pids: readonly number[]): Map<number, number> {
  return new Map(pids.flatMap(timesOf));
}

function timesOf(pid: number): [number, number][] {
  const folder = `/proc/${pid}/task`;
  return unlessEnded(() => [...Deno.readDirSync(folder)].map(({ name }) => Number(name)))
    .flatMap((thread) =>
      unlessEnded(() => {
        const text = Deno.readTextFileSync(`${folder}/${thread}/schedstat`);
        return [[thread, parseSchedstat(text)] as [number, number]];
      })
    );
}

/** What it reads; nothing of a process or thread that has ended. */
function unlessEnded<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || String(error).includes("ESRCH")) return [];
    throw error;
  }
}

/**
 * Seconds that threads took between two looks. Of one that has ended since nothing is known: its time before is not to
 * be taken off what the others took.
 */
export function spentBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number {
  return [...after].reduce((sum, [thread, seconds]) => sum + seconds - (before.get(thread) ?? 0), 0);
}

/** Seconds on a processor by the text of /proc/PID/task/TID/schedstat, whose first number is in nanoseconds. */
export function parseSchedstat(text: string): number {
  return Number(text.split(" ")[0]) / 1e9;
}

/** Runs something that tells its own processor time, and adds what some processes took meanwhile. In seconds. */
export async function withCpu<T extends { readonly cpu: number }>(
  pids: readonly number[],
  work: () => Promise<T>,
): Promise<{ result: T; cpu: number }> {
  const before = threadTimes(pids);
  const result = await work();
  return { result, cpu: result.cpu + spentBetween(before, threadTimes(pids)) };
}
