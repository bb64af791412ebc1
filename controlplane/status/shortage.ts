// SPDX-License-Identifier: Apache-2.0

// What the kernel had no room for, in the statuses. The translation knows the
// limits of services and listeners; that backends or tables run out is known
// only where they are given out.

import type { Condition } from "../api/object.ts";
import type { Unprogrammed } from "../dataplane/planner.ts";
import { parseListener, parseRef, refText } from "../translate/object_ref.ts";
import type { DesiredStatus, Notice } from "../translate/translation.ts";
import type { Status } from "./merge.ts";

/** What users are told. */
interface Told {
  readonly statuses: readonly DesiredStatus[];
  readonly notices: readonly Notice[];
}

/**
 * The same with listeners that are short of room not Programmed: Pending, their Gateway not Programmed:
 * NoResources, their ListenerSet likewise Pending; and a notice for each of these objects and the route.
 */
export function withShortages<T extends Told>(told: T, unprogrammed: readonly Unprogrammed[]): T {
  if (unprogrammed.length === 0) return told;
  const byParent = new Map<string, Map<string, string>>();
  const notices = new Map<string, Notice>();
  const notice = (object: string, message: string): void => {
    notices.set(`${object} ${message}`, { ...parseRef(object), reason: "NoResources", message });
  };
  for (const { service, reason } of unprogrammed) {
    const { parent, listener } = parseListener(service.listener);
    const message = `${service.protocol} port ${service.port} of ${service.address} is not programmed as ` +
      `asked for: ${reason}.`;
    const listeners = byParent.get(parent) ?? new Map<string, string>();
    byParent.set(parent, listeners.set(listener, message));
    notice(parent, `Listener ${listener}: ${message}`);
    if (service.route !== undefined) notice(service.route, `${service.listener}: ${message}`);
  }
  const statuses = told.statuses.map((desired) => {
    const short = byParent.get(refText(desired));
    return short === undefined ? desired : { ...desired, status: shortStatus(desired, short) };
  });
  return { ...told, statuses, notices: [...told.notices, ...notices.values()] };
}

function shortStatus({ kind, status }: DesiredStatus, short: ReadonlyMap<string, string>): Status {
  const [first = ""] = [...short].map(([name, message]) => `Listener ${name}: ${message}`);
  const reason = kind === "Gateway" ? "NoResources" : "Pending";
  const listeners = (status["listeners"] ?? []) as readonly Status[];
  return {
    ...status,
    conditions: notProgrammed(status["conditions"], reason, first),
    listeners: listeners.map((listener) => {
      const message = short.get(String(listener["name"]));
      return message === undefined
        ? listener
        : { ...listener, conditions: notProgrammed(listener["conditions"], "Pending", message) };
    }),
  };
}

function notProgrammed(conditions: unknown, reason: string, message: string): readonly Condition[] {
  return ((conditions ?? []) as Condition[]).map((condition) =>
    condition.type === "Programmed" && condition.status === "True"
      ? { ...condition, status: "False", reason, message }
      : condition
  );
}
