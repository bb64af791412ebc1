// SPDX-License-Identifier: Apache-2.0

// Gateways whose GatewayClass is gone, and ListenerSets whose Gateway is gone,
// belong to nobody. What was written of them while they had an owner would go on
// saying that they take traffic.

import type { Condition, KubernetesObject } from "../api/object.ts";
import { condition, type Verdict } from "./conditions.ts";

/** What the CRDs have for an object that no controller has looked at: the conditions' default. */
const WAITING: Verdict = { status: "Unknown", reason: "Pending", message: "Waiting for controller" };

interface Status {
  readonly conditions?: readonly Condition[];
  /** Of Gateways; a list of addresses that it gets again when its class comes back. */
  readonly addresses?: unknown;
}

/**
 * The status of a Gateway or ListenerSet that belongs to nobody, as one has it that never belonged to
 * anybody, but for addresses; undefined when nothing else was written.
 */
export function orphanStatus(object: KubernetesObject): Record<string, unknown> | undefined {
  const { conditions = [], addresses } = (object as { readonly status?: Status }).status ?? {};
  const own = conditions.filter(({ type }) => type === "Accepted" || type === "Programmed");
  if (own.every(({ status }) => status === "Unknown")) return undefined;
  return {
    conditions: [condition(object, "Accepted", WAITING), condition(object, "Programmed", WAITING)],
    ...(addresses !== undefined && { addresses }),
  };
}
