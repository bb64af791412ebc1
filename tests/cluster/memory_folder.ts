// SPDX-License-Identifier: Apache-2.0

/** A file system in memory that Linux distributions mount. */
const MEMORY = "/dev/shm";

/**
 * Where to put data that nobody needs after the machine: in memory, where there is such a file system, else in the
 * other folder. etcd waits for the disk at every write, and a busy disk stops the whole cluster with it.
 */
export function memoryFolder(otherwise: string): string {
  try {
    return Deno.statSync(MEMORY).isDirectory ? MEMORY : otherwise;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return otherwise;
    throw error;
  }
}
