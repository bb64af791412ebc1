// SPDX-License-Identifier: Apache-2.0

import { ancestors } from "./process_table.ts";

/** A mount namespace, seen from this process. */
export interface MountNamespace {
  /** In front of a path of that namespace it gives the path for this process. */
  readonly root: string;
  /** In front of a command it makes the command run there; the network namespace stays the present one. */
  readonly enter: readonly string[];
}

/** The mount namespace of this process. */
export const presentMountNamespace: MountNamespace = { root: "", enter: [] };

/** Tells mount namespaces apart, and whether a file of ours is visible in them. */
export interface NamespaceReader {
  /** Process ids that may live in another mount namespace, the most lasting first. */
  candidates(): number[];
  /** The namespace's identity, or undefined where we may not look. */
  identity(pid: number | "self"): string | undefined;
  /** True when the path means the same file under both roots. */
  same(path: string, root: string): boolean;
}

const procReader: NamespaceReader = {
  candidates: () => [1, ...ancestors(Deno.pid).map(({ pid }) => pid).reverse()],
  identity: (pid) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/ns/mnt`);
    } catch {
      return undefined;
    }
  },
  same: (path, root) => {
    try {
      const [here, there] = [Deno.statSync(path), Deno.statSync(root + path)];
      return here.dev === there.dev && here.ino === there.ino;
    } catch {
      return false;
    }
  },
};

/**
 * The mount namespace that outlives this session: that of the oldest process
 * above us that lets us in and in which `visible` is the same file as here.
 * `ip netns exec` gives its command a private mount namespace; a bpffs mounted
 * in that one, and every pin in it, would end with the command.
 */
export function lastingMountNamespace(
  visible: string,
  reader: NamespaceReader = procReader,
): MountNamespace {
  const present = reader.identity("self");
  for (const pid of reader.candidates()) {
    const identity = reader.identity(pid);
    if (identity === undefined) continue;
    if (identity === present) return presentMountNamespace;
    const root = `/proc/${pid}/root`;
    if (reader.same(visible, root)) return { root, enter: ["nsenter", `--mount=/proc/${pid}/ns/mnt`, "--"] };
  }
  return presentMountNamespace;
}
