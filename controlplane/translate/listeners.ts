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

/** A listener once it is known which ports its Gateway gets. */
export interface AcceptedListener {
  readonly model: ListenerModel;
  readonly accepted: Verdict;
}

/** How a listener fares in the end. */
export interface ListenerOutcome extends AcceptedListener {
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
      : yes(conflict.reason, conflict.message),
    accepted: judge(listener, conflict),
  };
}

/** A listener's condition Accepted; portTakenBy is the Gateway that has its port on a shared address. */
export function acceptListener(model: ListenerModel, portTakenBy: string | undefined): AcceptedListener {
  if (model.accepted.status !== "True" || portTakenBy === undefined) {
    return { model, accepted: model.accepted };
  }
  const message =
    `Port ${model.listener.port} of the Gateway's address belongs to ${portTakenBy}, which is older; ` +
    "use another port or address.";
  return { model, accepted: no("PortUnavailable", message) };
}

/** What decides besides the listener whether it is programmed. */
export interface ListenerSurroundings {
  /** Condition Accepted of the Gateway. */
  readonly gatewayAccepted: Verdict;
  /** The Gateway has at least one address. */
  readonly hasAddress: boolean;
  /** Entries of ListenerSets give PortUnavailable as the reason of Programmed, too. */
  readonly inListenerSet: boolean;
}

/** Adds a listener's condition Programmed. */
export function programListener(listener: AcceptedListener, around: ListenerSurroundings): ListenerOutcome {
  return { ...listener, programmed: programmed(listener, around) };
}

function programmed({ model, accepted }: AcceptedListener, around: ListenerSurroundings): Verdict {
  if (accepted.status !== "True") {
    const own = model.conflicted.status === "True" ||
      (around.inListenerSet && accepted.reason === "PortUnavailable");
    return no(own ? accepted.reason : "Invalid", accepted.message);
  }
  if (around.gatewayAccepted.status !== "True") {
    return no("Invalid", `The Gateway is not accepted: ${around.gatewayAccepted.message}`);
  }
  if (model.kinds.supported.length === 0) {
    return no("Invalid", "allowedRoutes.kinds leaves no kind of route that could attach.");
  }
  if (!around.hasAddress) return no("Pending", "The Gateway has no address yet.");
  return yes("Programmed", "The listener takes traffic.");
}

function resolvedRefs({ kinds, listener }: ListenerModel): Verdict {
  if (kinds.invalid.length === 0) return yes("ResolvedRefs", "All references are resolved.");
  const named = kinds.invalid.join(", ");
  const message =
    `allowedRoutes.kinds names ${named}, which a ${listener.protocol} listener of Blixt does not take.`;
  return no("InvalidRouteKinds", message);
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

/** Whether all, some or none of the listeners are accepted, and sentences that say which (GatewaySpec.listeners). */
export function summarise(
  listeners: readonly AcceptedListener[],
): { readonly valid: "all" | "some" | "none"; readonly message: string } {
  const bad = listeners.filter(({ accepted }) => accepted.status !== "True");
  const valid = bad.length === 0 ? "all" : bad.length === listeners.length ? "none" : "some";
  const list = bad.map(({ model, accepted }) => `${model.listener.name} (${accepted.reason})`).join(", ");
  const good = listeners.filter((listener) => !bad.includes(listener)).map(({ model }) =>
    model.listener.name
  );
  const others = good.length === 0 ? "" : ` Valid: ${good.join(", ")}.`;
  return { valid, message: `Listeners that are not valid: ${list}; see their conditions.${others}` };
}
