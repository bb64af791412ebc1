// SPDX-License-Identifier: Apache-2.0

import type { Counter } from "./counts.ts";

/**
 * What a suite mostly does: keep the cores busy, wait for the programs of the one Kubernetes cluster, or wait for
 * traffic between network namespaces of its own.
 */
export type Kind = "computes" | "cluster" | "traffic";

/** Tests that one command runs. */
export interface Suite {
  /** One word, or several with hyphens; also the name of its log. */
  readonly name: string;
  readonly command: readonly string[];
  readonly counter: Counter;
  /** True when it changes the kernel, and so needs root and everything built. */
  readonly root: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Suites that wait for traffic run beside any other, those of one other kind after another. */
  readonly kind: Kind;
}
