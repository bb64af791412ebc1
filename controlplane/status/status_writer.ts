// SPDX-License-Identifier: Apache-2.0

import type { DesiredLoadBalancer } from "../translate/load_balancer.ts";
import type { DesiredStatus, Notice } from "../translate/translation.ts";

/** Brings statuses to where users read them. */
export interface StatusWriter {
  /** All statuses, and Services that show them, as they should be from now on; what is the same already costs nothing. */
  set(
    statuses: readonly DesiredStatus[],
    notices: readonly Notice[],
    loadBalancers: readonly DesiredLoadBalancer[],
  ): void;
  /**
   * Notices about this node alone, as they hold now: each node says its own, whoever writes statuses. Absent where its
   * log is read anyway.
   */
  setOfNode?(notices: readonly Notice[]): void;
  /** Finishes what is under way. */
  close(): Promise<void>;
}
