// SPDX-License-Identifier: Apache-2.0

import type { Feature } from "../loader/messages.ts";

/** What a kernel has to have, and since when it has that; by the loader's name of the feature. */
const NEEDED: Readonly<Record<string, string>> = {
  tcx: "programs at TCX hooks, Linux 6.6 or newer",
  lru_hash: "LRU hashes, Linux 4.10 or newer",
  array_of_maps: "maps of maps, Linux 4.12 or newer",
  batch_operations: "batches of map operations, Linux 5.6 or newer",
  redirect_peer: "bpf_redirect_peer(), Linux 5.10 or newer",
  redirect_neigh: "bpf_redirect_neigh(), Linux 5.10 or newer",
  ktime_get_coarse_ns: "bpf_ktime_get_coarse_ns(), Linux 5.11 or newer",
  btf: "its own types, a kernel built with CONFIG_DEBUG_INFO_BTF",
  bpffs: "a place for pins, a bpffs mounted where the loader's --pin-dir is",
};

/** The kernel lacks what Blixt cannot do without. Waiting does not help. */
export class MissingFeatureError extends Error {
  override readonly name = "MissingFeatureError";
}

/** Throws a MissingFeatureError that names all that is missing and what would have it. */
export function requireFeatures(kernel: string, features: readonly Feature[]): void {
  const missing = features.filter(({ name, supported }) => !supported && name in NEEDED);
  if (missing.length === 0) return;
  const list = missing.map(({ name, detail }) => `${NEEDED[name]} (${detail})`);
  throw new MissingFeatureError(`Linux ${kernel} cannot run Blixt, which needs ${list.join("; ")}`);
}
