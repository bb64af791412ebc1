// SPDX-License-Identifier: Apache-2.0

// Joins the status that Blixt wants with the one an object has, the way the
// Gateway API's guide for implementers asks: foreign conditions and foreign
// parents stay, and lastTransitionTime moves only when a status does.

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import type { Condition } from "../api/object.ts";
import type { Kind } from "../api/snapshot.ts";
import { equal } from "../equal.ts";
import { Interner } from "../intern.ts";

/** A status as JSON. */
export type Status = Readonly<Record<string, unknown>>;

/** The fields of a status that hold the whole of Blixt's answer, besides conditions. */
const OWN_FIELDS: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  GatewayClass: ["supportedFeatures"],
  Gateway: ["addresses", "listeners", "attachedListenerSets"],
  ListenerSet: ["listeners"],
};

/** Entries that the API server takes, those of all controllers together (RouteStatus.parents). */
const MOST_PARENTS = 32;

interface Parent {
  readonly parentRef: unknown;
  readonly controllerName: string;
  readonly conditions?: readonly Condition[];
}

interface ListenerStatus {
  readonly name: string;
  readonly conditions?: readonly Condition[];
}

/**
 * The whole status to write: the present one with the desired parts put in,
 * `now` (RFC 3339) being the lastTransitionTime of what changes. Returns the
 * present one itself when it already says all that is desired.
 */
export function mergeStatus(kind: Kind, present: Status | undefined, desired: Status, now: string): Status {
  const merged = kind === "TCPRoute" || kind === "UDPRoute"
    ? { ...present, parents: mergeParents(present?.["parents"], desired["parents"], now) }
    : mergeFields(kind, present, desired, now);
  return present !== undefined && equal(present, merged) ? present : merged;
}

function mergeFields(kind: Kind, present: Status | undefined, desired: Status, now: string): Status {
  const merged: Record<string, unknown> = { ...present };
  for (const field of OWN_FIELDS[kind] ?? []) {
    if (desired[field] === undefined) delete merged[field];
    else merged[field] = desired[field];
  }
  if (desired["listeners"] !== undefined) {
    merged["listeners"] = mergeListeners(present?.["listeners"], desired["listeners"], now);
  }
  merged["conditions"] = mergeConditions(asList(present?.["conditions"]), asList(desired["conditions"]), now);
  return merged;
}

function mergeListeners(present: unknown, desired: unknown, now: string): ListenerStatus[] {
  const before = new Map(asList<ListenerStatus>(present).map((listener) => [listener.name, listener]));
  return asList<ListenerStatus>(desired).map((listener) => ({
    ...listener,
    conditions: mergeConditions(before.get(listener.name)?.conditions ?? [], listener.conditions ?? [], now),
  }));
}

/**
 * Foreign entries stay in their place; own ones stand between them in the order of the route, so that it alone decides.
 * Those for which the list has no room are left out.
 */
function mergeParents(present: unknown, desired: unknown, now: string): Parent[] {
  const before = asList<Parent>(present);
  const own = before.filter(({ controllerName }) => controllerName === CONTROLLER_NAME);
  const room = Math.max(0, MOST_PARENTS - (before.length - own.length));
  const wanted = asList<Parent>(desired).slice(0, room).map((want) => {
    const [same] = own.filter(({ parentRef }) => equal(parentRef, want.parentRef));
    return { ...want, conditions: mergeConditions(same?.conditions ?? [], want.conditions ?? [], now) };
  });
  const placed = before.flatMap((parent) =>
    parent.controllerName === CONTROLLER_NAME ? wanted.splice(0, 1) : [parent]
  );
  return [...placed, ...wanted];
}

/**
 * Puts the desired conditions in the place of present ones of their type; conditions of other types stay.
 * lastTransitionTime is the present one's unless the status differs (metav1.Condition).
 */
export function mergeConditions(
  present: readonly Condition[],
  desired: readonly Condition[],
  now: string,
): Condition[] {
  const wanted = new Map(desired.map((condition) => [condition.type, condition]));
  const withTime = (want: Condition, before: Condition | undefined): Condition =>
    at(before?.status === want.status ? before.lastTransitionTime ?? now : now, want);
  const kept = present.map((before) => {
    const want = wanted.get(before.type);
    wanted.delete(before.type);
    return want === undefined ? before : withTime(want, before);
  });
  return [...kept, ...[...wanted.values()].map((want) => withTime(want, undefined))];
}

const timed = new Interner<Condition>();

function at(lastTransitionTime: string, want: Condition): Condition {
  const { type, status, reason, message, observedGeneration } = want;
  const text = `${lastTransitionTime} ${type} ${observedGeneration} ${status} ${reason} ${message}`;
  return timed.get(text, () => ({ ...want, lastTransitionTime }));
}

function asList<T = Condition>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : [];
}
