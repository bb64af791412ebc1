// SPDX-License-Identifier: Apache-2.0

import { GATEWAY_GROUP } from "../api/gateway.ts";
import type { L4Route, ParentReference } from "../api/l4_route.ts";
import { no, type Verdict, yes } from "./conditions.ts";
import type { ListenerModel } from "./listeners.ts";
import { namespaceAllowed, type NamespaceLookup } from "./namespaces.ts";
import type { ObjectRef } from "./object_ref.ts";

/** The Gateway or ListenerSet that a parentRef names; undefined when it names another kind. */
export function parentOf(route: L4Route, ref: ParentReference): ObjectRef | undefined {
  const kind = ref.kind ?? "Gateway";
  if ((ref.group ?? GATEWAY_GROUP) !== GATEWAY_GROUP || (kind !== "Gateway" && kind !== "ListenerSet")) {
    return undefined;
  }
  return { kind, key: `${ref.namespace ?? route.metadata.namespace ?? ""}/${ref.name}` };
}

/** A Gateway or ListenerSet as routes see it. */
export interface ParentModel {
  readonly ref: ObjectRef;
  readonly namespace: string;
  readonly listeners: readonly ListenerModel[];
  /** Why no route can attach: a ListenerSet that its Gateway does not admit. */
  readonly detached?: string;
}

/** What a parentRef comes to. */
export interface Attachment {
  readonly accepted: Verdict;
  /** Names of the parent's listeners that the route attaches to; empty when not accepted. */
  readonly listeners: readonly string[];
}

/**
 * Attaches a route to the listeners that a parentRef selects: sectionName and
 * port must both match where both are given (ParentReference), and the listener
 * must allow the route's kind and namespace. One listener is enough to be
 * accepted. Whether the listener itself is accepted plays no part
 * (ListenerStatus.attachedRoutes).
 */
export function attach(
  route: L4Route,
  ref: ParentReference,
  parent: ParentModel,
  namespaces: NamespaceLookup,
): Attachment {
  if (parent.detached !== undefined) {
    return { accepted: no("NoMatchingParent", parent.detached), listeners: [] };
  }
  const sectionName = ref.sectionName === "" ? undefined : ref.sectionName;
  const selected = parent.listeners.filter(({ listener }) =>
    (sectionName === undefined || listener.name === sectionName) &&
    (ref.port === undefined || listener.port === ref.port)
  );
  const where = `${parent.ref.kind} ${parent.ref.key}`;
  if (selected.length === 0) {
    const wanted = [
      ...(sectionName === undefined ? [] : [`named ${sectionName}`]),
      ...(ref.port === undefined ? [] : [`on port ${ref.port}`]),
    ].join(" and ");
    return {
      accepted: no("NoMatchingParent", `${where} has no listener${wanted && ` ${wanted}`}.`),
      listeners: [],
    };
  }
  const ofKind = selected.filter(({ kinds }) => kinds.supported.some(({ kind }) => kind === route.kind));
  if (ofKind.length === 0) {
    const message =
      `No listener that the parentRef selects on ${where} takes a ${route.kind}; see their protocol and allowedRoutes.kinds.`;
    return { accepted: no("NotAllowedByListeners", message), listeners: [] };
  }
  const from = route.metadata.namespace ?? "";
  const open = ofKind.filter(({ listener }) =>
    namespaceAllowed(listener.allowedRoutes?.namespaces, "Same", parent.namespace, from, namespaces)
  );
  if (open.length === 0) {
    const message =
      `No listener that the parentRef selects on ${where} takes routes of namespace ${from}; see allowedRoutes.namespaces.`;
    return { accepted: no("NotAllowedByListeners", message), listeners: [] };
  }
  return {
    accepted: yes(
      "Accepted",
      `The route is attached to ${open.map(({ listener }) => listener.name).join(", ")} of ${where}.`,
    ),
    listeners: open.map(({ listener }) => listener.name),
  };
}
