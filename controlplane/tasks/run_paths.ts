// SPDX-License-Identifier: Apache-2.0

/** Parent of what exists only while something runs, one folder for each network namespace. */
export const RUN_ROOT = "/run/blixt";

/** Where the parts that serve one network namespace meet. */
export interface RunPaths {
  /** Folder of this network namespace. */
  readonly folder: string;
  /** Held by `deno task start`; holds its process id. */
  readonly lock: string;
  /** The loader's unix socket. */
  readonly socket: string;
}

/** The paths of one network namespace, named by the inode of its nsfs file, which is unique on a running machine. */
export function runPaths(netnsInode: number, root: string = RUN_ROOT): RunPaths {
  const folder = `${root}/${netnsInode}`;
  return {
    folder,
    lock: `${folder}/start.lock`,
    socket: `${folder}/loader.sock`,
  };
}

/** Inode of the present network namespace. */
export function presentNetns(): number {
  const { ino } = Deno.statSync("/proc/self/ns/net");
  if (ino === null) throw new Error("/proc/self/ns/net has no inode number; is /proc mounted?");
  return ino;
}
