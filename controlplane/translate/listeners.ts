// SPDX-License-Identifier: Apache-2.0

import type { Listener } from "../api/gateway.ts";
import type { Condition, KubernetesObject } from "../api/object.ts";
import { condition, no, type Verdict, yes } from "./conditions.ts";
import type { Protocol } from "./desired.ts";
import { protocolOf, type RouteKinds, routeKinds } from "./route_kinds.ts";

/** A listener of a Gateway or ListenerSet, judged by what its own object and its siblings say. */
export interface ListenerModel {
  readonly listener: Listener;
  /** Absent when Blixt does not speak it. */
  readonly protocol: Protocol | undefined;
  readonly kinds: RouteKinds;
  /** Condition Conflicted: status True when it shares its port with another. */
  readonly conflicted: Verdict;
  /** Condition Accepted, before ports of other Gateways are looked at. */
  readonly accepted: Verdict;
}

/** How a listener fares once addresses are assigned. */
export interface ListenerOutcome {
  readonly model: ListenerModel;
  readonly accepted: Verdict;
  readonly programmed: Verdict;
}

const NAMESPACE_RULES = new Set(["All", "Same", "Selector", undefined]);
const SELECTOR_OPERATORS = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

/** A field's value that the listener cannot have, in a sentence (reason UnsupportedValue). */
function unsupportedValue(listener: Listener): string | undefined {
  const { port, tls, allowedRoutes } = listener;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `port ${port} is not between 1 and 65535.`;
  if (tls !== undefined) return "tls is set, but Blixt passes bytes on as they are; remove it.";
  const namespaces = allowedRoutes?.namespaces;
  if (!NAMESPACE_RULES.has(namespaces?.from)) {
    return `allowedRoutes.namespaces.from is ${namespaces?.from}; use All, Same or Selector.`;
  }
  const unknown = (namespaces?.selector?.matchExpressions ?? []).find(({ operator }) =>
    !SELECTOR_OPERATORS.has(operator)
  );
  if (unknown !== undefined) {
    return `allowedRoutes.namespaces.selector has the operator ${unknown.operator}; use In, NotIn, Exists or DoesNotExist.`;
  }
  return undefined;
}

function judge(listener: Listener, conflict: Verdict | undefined): Verdict {
  if (conflict !== undefined) return conflict;
  if (protocolOf(listener) === undefined) {
    return no("UnsupportedProtocol", `Blixt serves the protocols TCP and UDP, not ${listener.protocol}.`);
  }
  const unsupported = unsupportedValue(listener);
  if (unsupported !== undefined) return no("UnsupportedValue", `Listener ${listener.name}: ${unsupported}`);
  return yes("Accepted", "The listener is valid.");
}

/** Judges a listener; conflict is why it is not distinct. */
export function modelListener(listener: Listener, conflict: Verdict | undefined): ListenerModel {
  return {
    listener,
    protocol: protocolOf(listener),
    kinds: routeKinds(listener),
    conflicted: conflict === undefined
      ? no("NoConflicts", "No other listener has this port and protocol.")
      : { ...conflict, status: "True" },
    accepted: judge(listener, conflict),
  };
}

/** What decides a listener's fate besides the listener. */
export interface ListenerSurroundings {
  /** The Gateway has at least one address. */
  readonly hasAddress: boolean;
  /** Condition Accepted of the Gateway; absent while that is still to be found out. */
  readonly parentAccepted?: Verdict | undefined;
  /** The Gateway that has the port on a shared address. */
  readonly portTakenBy?: string | undefined;
  /** Entries of ListenerSets give PortUnavailable as the reason of Programmed too. */
  readonly inListenerSet: boolean;
}

/** Accepted and Programmed of a listener. */
export function listenerOutcome(model: ListenerModel, around: ListenerSurroundings): ListenerOutcome {
  const accepted = model.accepted.status === "True" && around.portTakenBy !== undefined
    ? no(
      "PortUnavailable",
      `Port ${model.listener.port} of the Gateway's address belongs to ${around.portTakenBy}, which is older; ` +
        "use another port or address.",
    )
    : model.accepted;
  return { model, accepted, programmed: programmed(model, accepted, around) };
}

function programmed(model: ListenerModel, accepted: Verdict, around: ListenerSurroundings): Verdict {
  if (accepted.status !== "True") {
    const own = model.conflicted.status === "True" ||
      (around.inListenerSet && accepted.reason === "PortUnavailable");
    return no(own ? accepted.reason : "Invalid", accepted.message);
  }
  const { parentAccepted } = around;
  if (parentAccepted?.status === "False") {
    return no("Invalid", `The Gateway is not accepted: ${parentAccepted.message}`);
  }
  if (model.kinds.supported.length === 0) {
    return no("Invalid", "allowedRoutes.kinds leaves no kind of route that could attach.");
  }
  if (!around.hasAddress) return no("Pending", "The Gateway has no address yet.");
  return yes("Programmed", "The listener takes traffic.");
}

function resolvedRefs({ kinds, listener }: ListenerModel): Verdict {
  if (kinds.invalid.length === 0) return yes("ResolvedRefs", "All references are resolved.");
  return no(
    "InvalidRouteKinds",
    `allowedRoutes.kinds names ${
      kinds.invalid.join(", ")
    }, which a ${listener.protocol} listener of Blixt does not take.`,
  );
}

/** The four conditions of a listener, on the object that holds it. */
export function listenerConditions(
  object: KubernetesObject,
  { model, accepted, programmed }: ListenerOutcome,
): Condition[] {
  return [
    condition(object, "Accepted", accepted),
    condition(object, "Programmed", programmed),
    condition(object, "ResolvedRefs", resolvedRefs(model)),
    condition(object, "Conflicted", model.conflicted),
  ];
}

/** ListenerStatus or ListenerEntryStatus. */
export function listenerStatus(
  object: KubernetesObject,
  outcome: ListenerOutcome,
  attachedRoutes: number,
): Record<string, unknown> {
  return {
    name: outcome.model.listener.name,
    supportedKinds: outcome.model.kinds.supported,
    attachedRoutes,
    conditions: listenerConditions(object, outcome),
  };
}

/** Whether all, some or none of the listeners are accepted, and a sentence about those that are not. */
export function summarise(
  outcomes: readonly { readonly model: ListenerModel; readonly accepted: Verdict }[],
): {
  readonly valid: "all" | "some" | "none";
  readonly message: string;
} {
  const bad = outcomes.filter(({ accepted }) => accepted.status !== "True");
  const valid = bad.length === 0 ? "all" : bad.length === outcomes.length ? "none" : "some";
  const list = bad.map(({ model, accepted }) => `${model.listener.name} (${accepted.reason})`).join(", ");
  return { valid, message: `Listeners that are not valid: ${list}; see their conditions.` };
}
