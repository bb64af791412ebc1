// SPDX-License-Identifier: Apache-2.0

import type { Condition } from "../api/object.ts";
import type { DesiredStatus } from "../translate/translation.ts";
import type { Status } from "./merge.ts";

/**
 * The same statuses before the kernel has taken the first state: what the
 * translation calls Programmed is pending still.
 */
export function pendingStatuses(statuses: readonly DesiredStatus[]): DesiredStatus[] {
  return statuses.map((desired) => {
    const { kind, status } = desired;
    return kind === "Gateway" || kind === "ListenerSet"
      ? { ...desired, status: pendingStatus(status) }
      : desired;
  });
}

function pendingStatus(status: Status): Status {
  const pending: Record<string, unknown> = { ...status, conditions: pendingConditions(status["conditions"]) };
  const listeners = status["listeners"];
  if (Array.isArray(listeners)) {
    pending["listeners"] = (listeners as Status[]).map((listener) => ({
      ...listener,
      conditions: pendingConditions(listener["conditions"]),
    }));
  }
  return pending;
}

function pendingConditions(conditions: unknown): readonly Condition[] {
  if (!Array.isArray(conditions)) return [];
  return (conditions as Condition[]).map((condition) =>
    condition.type === "Programmed" && condition.status === "True"
      ? {
        ...condition,
        status: "False",
        reason: "Pending",
        message: "Waiting for the kernel to take the first state",
      }
      : condition
  );
}
