// SPDX-License-Identifier: Apache-2.0

import type { DesiredStatus, Notice } from "../translate/translation.ts";

/** Brings statuses to where users read them. */
export interface StatusWriter {
  /** All statuses as they should be from now on; what is the same already costs nothing. */
  set(statuses: readonly DesiredStatus[], notices: readonly Notice[]): void;
  /** Finishes what is under way. */
  close(): Promise<void>;
}
