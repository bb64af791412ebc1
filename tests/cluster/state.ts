// SPDX-License-Identifier: Apache-2.0

import type { ClusterOptions } from "./cluster_options.ts";
import type { Detached } from "./detached.ts";

/** What a later task has to know of a cluster. */
export interface ClusterState {
  readonly options: ClusterOptions;
  /** Every process of the machine that has to be ended, in the order of starting. */
  readonly processes: readonly Detached[];
  /** Whether all of it came up. */
  readonly complete: boolean;
}

/** Reads the record of a cluster; undefined when there is none. */
export async function readState(file: string): Promise<ClusterState | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes the record whole: a task that is killed in between leaves the one before. */
export async function writeState(file: string, state: ClusterState): Promise<void> {
  await Deno.writeTextFile(`${file}.partial`, JSON.stringify(state, undefined, 2));
  await Deno.rename(`${file}.partial`, file);
}
