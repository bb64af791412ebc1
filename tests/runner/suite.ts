// SPDX-License-Identifier: Apache-2.0

import type { Counter } from "./counts.ts";

/**
 * What a suite mostly does: keep a core busy, wait for the programs of a Kubernetes cluster, or wait for traffic
 * between network namespaces. Some of the latter are in the first row, so that none is much longer than the others.
 */
export type Row = "computes" | "cluster" | "traffic";

/** Tests that one command runs. */
export interface Suite {
  /** One word, or several with hyphens; also the name of its log. */
  readonly name: string;
  readonly command: readonly string[];
  readonly counter: Counter;
  /** True when it changes the kernel, and so needs root and everything built. */
  readonly root: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Suites of different rows run beside each other, those of one row after another. */
  readonly row: Row;
}
