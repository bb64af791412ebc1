// SPDX-License-Identifier: Apache-2.0

import type { Counter } from "./counts.ts";

/** Tests that one command runs. */
export interface Suite {
  /** One word, or several with hyphens; also the name of its log. */
  readonly name: string;
  readonly command: readonly string[];
  readonly counter: Counter;
  /** True when it changes the kernel, and so needs root and everything built. */
  readonly root: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** True when it mostly waits for programs that it started, so that it can run beside the others. */
  readonly waits?: boolean;
}
