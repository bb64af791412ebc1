// SPDX-License-Identifier: Apache-2.0

/**
 * Seconds of processor time that processes have taken so far, all their threads together. What the kernel does for a
 * packet between network namespaces is in the time of whoever sent it, so that the client, the balancer's programs and
 * the servers together are what a packet costs; other programs of the machine are not in it.
 */
export function cpuTime(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processTime(pid), 0);
}

function processTime(pid: number): number {
  const folder = `/proc/${pid}/task`;
  try {
    const threads = [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}/schedstat`);
    return threads.reduce((sum, file) => sum + parseSchedstat(Deno.readTextFileSync(file)), 0);
  } catch (error) {
    // It has ended.
    if (error instanceof Deno.errors.NotFound || String(error).includes("ESRCH")) return 0;
    throw error;
  }
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
  const before = cpuTime(pids);
  const result = await work();
  return { result, cpu: result.cpu + cpuTime(pids) - before };
}
