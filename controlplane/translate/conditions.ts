// SPDX-License-Identifier: Apache-2.0

import type { Condition, KubernetesObject } from "../api/object.ts";
import { Interner } from "../intern.ts";

/** Why a condition has the status it has. */
export interface Verdict {
  readonly status: "True" | "False" | "Unknown";
  /** CamelCase, one of the Gateway API's reasons. */
  readonly reason: string;
  /** One sentence for people. */
  readonly message: string;
}

/** A verdict of status True. */
export function yes(reason: string, message: string): Verdict {
  return verdict("True", reason, message);
}

/** A verdict of status False. */
export function no(reason: string, message: string): Verdict {
  return verdict("False", reason, message);
}

const verdicts = new Interner<Verdict>();

function verdict(status: Verdict["status"], reason: string, message: string): Verdict {
  return verdicts.get(`${status} ${reason} ${message}`, () => ({ status, reason, message }));
}

const conditions = new Interner<Condition>();

/**
 * The condition of that type on the object. observedGeneration is the object's
 * metadata.generation, and absent where the object has none, as in a manifest
 * that no API server has seen.
 */
export function condition(object: KubernetesObject, type: string, verdict: Verdict): Condition {
  const { status, reason, message } = verdict;
  const { generation } = object.metadata;
  return conditions.get(`${type} ${generation} ${status} ${reason} ${message}`, () => ({
    type,
    status,
    reason,
    message,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  }));
}
