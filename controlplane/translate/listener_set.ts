// SPDX-License-Identifier: Apache-2.0

import { type Gateway, GATEWAY_GROUP } from "../api/gateway.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import type { ObjectKey } from "../api/snapshot.ts";
import { condition, no, type Verdict, yes } from "./conditions.ts";
import { type ListenerOutcome, listenerStatus, summarise } from "./listeners.ts";
import { namespaceAllowed, type NamespaceLookup } from "./namespaces.ts";

/** The key of the Gateway that a ListenerSet's parentRef names; undefined when it names another kind. */
export function parentGateway(set: ListenerSet): ObjectKey | undefined {
  const { group, kind, namespace, name } = set.spec.parentRef;
  if ((group ?? GATEWAY_GROUP) !== GATEWAY_GROUP || (kind ?? "Gateway") !== "Gateway") return undefined;
  return `${namespace ?? set.metadata.namespace ?? ""}/${name}`;
}

/** Whether the Gateway's allowedListeners admits the ListenerSet; no ListenerSet by default. */
export function isListenerSetAllowed(
  gateway: Gateway,
  set: ListenerSet,
  namespaces: NamespaceLookup,
): boolean {
  const own = gateway.metadata.namespace ?? "";
  const from = set.metadata.namespace ?? "";
  return namespaceAllowed(gateway.spec.allowedListeners?.namespaces, "None", own, from, namespaces);
}

/** How a ListenerSet fares. */
export interface ListenerSetOutcome {
  readonly accepted: Verdict;
  readonly programmed: Verdict;
  /** Empty when the Gateway does not admit the ListenerSet. */
  readonly listeners: readonly ListenerOutcome[];
}

/** A ListenerSet that the Gateway's allowedListeners does not admit. */
export function notAllowed(gateway: Gateway): ListenerSetOutcome {
  const { namespace, name } = gateway.metadata;
  const verdict = no(
    "NotAllowed",
    `spec.allowedListeners of Gateway ${
      namespace ?? ""
    }/${name} does not admit ListenerSets of this namespace.`,
  );
  return { accepted: verdict, programmed: verdict, listeners: [] };
}

/** Condition Accepted of a ListenerSet that the Gateway admits. */
export function listenerSetAccepted(parentAccepted: Verdict, listeners: readonly ListenerOutcome[]): Verdict {
  if (parentAccepted.status !== "True") {
    return no("ParentNotAccepted", `The Gateway is not accepted: ${parentAccepted.message}`);
  }
  if (listeners.length === 0) return no("Invalid", "spec.listeners is empty; add a listener.");
  const { valid, message } = summarise(listeners);
  if (valid === "all") return yes("Accepted", "The ListenerSet is valid.");
  return (valid === "some" ? yes : no)("ListenersNotValid", message);
}

/** Condition Programmed of a ListenerSet that the Gateway admits. */
export function listenerSetProgrammed(
  accepted: Verdict,
  parentProgrammed: Verdict,
  listeners: readonly ListenerOutcome[],
): Verdict {
  if (accepted.reason === "ParentNotAccepted") return no("ParentNotProgrammed", accepted.message);
  if (accepted.status !== "True") {
    const taken = listeners.length > 0 &&
      listeners.every((listener) => listener.accepted.reason === "PortUnavailable");
    return no(taken ? "PortUnavailable" : accepted.reason, accepted.message);
  }
  if (parentProgrammed.status !== "True") {
    return no("ParentNotProgrammed", `The Gateway is not programmed: ${parentProgrammed.message}`);
  }
  if (!listeners.some(({ programmed }) => programmed.status === "True")) {
    return no("ListenersNotValid", "No listener can take traffic; see their conditions.");
  }
  return yes("Programmed", "The ListenerSet's listeners take traffic.");
}

/** ListenerSetStatus; attachedRoutes counts the routes of a listener by its name. */
export function listenerSetStatus(
  set: ListenerSet,
  outcome: ListenerSetOutcome,
  attachedRoutes: (listener: string) => number,
): Record<string, unknown> {
  return {
    conditions: [
      condition(set, "Accepted", outcome.accepted),
      condition(set, "Programmed", outcome.programmed),
    ],
    listeners: outcome.listeners.map((listener) =>
      listenerStatus(set, listener, attachedRoutes(listener.model.listener.name))
    ),
  };
}
