// SPDX-License-Identifier: Apache-2.0

import { statfsSync } from "node:fs";
import { run } from "./command.ts";
import type { MountNamespace } from "./mount_namespace.ts";
import { RUN_ROOT } from "./run_paths.ts";

/** Where a bpffs may be mounted: the usual place, and one for hosts whose /sys cannot be mounted on. */
export const BPFFS_PLACES: readonly string[] = ["/sys/fs/bpf", `${RUN_ROOT}/bpf`];

/** BPF_FS_MAGIC of linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** True when a bpffs is mounted at the path. */
export function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}

/** Folder of a network namespace's pins under a bpffs. */
export function pinFolder(bpffs: string, netnsInode: number): string {
  return `${bpffs}/blixt/${netnsInode}`;
}

/**
 * The path of a bpffs in the namespace, mounted if there was none. Throws when
 * it cannot be mounted anywhere.
 */
export async function ensureBpffs(namespace: MountNamespace): Promise<string> {
  const present = BPFFS_PLACES.find((place) => isBpffs(namespace.root + place));
  if (present !== undefined) return present;
  const refusals: string[] = [];
  for (const place of BPFFS_PLACES) {
    await Deno.mkdir(namespace.root + place, { recursive: true, mode: 0o700 }).catch(() => {});
    const mount = ["mount", "-t", "bpf", "-o", "mode=0700", "bpf", place];
    const { code, output } = await run([...namespace.enter, ...mount]);
    if (code === 0 && isBpffs(namespace.root + place)) return place;
    refusals.push(output.trim());
  }
  throw new Error(
    `no bpffs can be mounted, and without one nothing outlives a restart: ${refusals.join("; ")}`,
  );
}
