// SPDX-License-Identifier: Apache-2.0

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import { type Derivation, type TranslateOptions } from "./derivation.ts";
import type { DesiredService } from "./desired.ts";
import { gatewayStatus } from "./gateway.ts";
import { gatewayClassStatus } from "./gateway_class.ts";
import { listenerSetStatus } from "./listener_set.ts";
import { type ObjectRef, parseRef } from "./object_ref.ts";
import { gatewayNotices, listenerSetNotices, routeNotices } from "./notices.ts";
import { routeStatus } from "./route.ts";
import type { DesiredStatus, Notice } from "./translation.ts";

/** One object's part of the translation. */
export interface Answer {
  /** Absent when Blixt owns no status of the object. */
  readonly status?: DesiredStatus;
  readonly services: readonly DesiredService[];
  readonly notices: readonly Notice[];
}

/** The part of an object that contributes nothing. */
export const NOTHING: Answer = { services: [], notices: [] };

/** The part of the translation that comes from the object of that refText. */
export function answerFor(derivation: Derivation, object: string, options: TranslateOptions): Answer {
  const ref = parseRef(object);
  switch (ref.kind) {
    case "GatewayClass":
      return gatewayClassAnswer(derivation, ref, options);
    case "Gateway":
      return gatewayAnswer(derivation, ref, object);
    case "ListenerSet":
      return listenerSetAnswer(derivation, ref, object);
    case "TCPRoute":
    case "UDPRoute":
      return routeAnswer(derivation, ref, object);
    default:
      return NOTHING;
  }
}

function gatewayClassAnswer(
  derivation: Derivation,
  { kind, key }: ObjectRef,
  options: TranslateOptions,
): Answer {
  const gatewayClass = derivation.objects.get("GatewayClass", key);
  const model = derivation.gatewayClass(key);
  if (gatewayClass === undefined || model === undefined) return NOTHING;
  return {
    ...NOTHING,
    status: { kind, key, status: gatewayClassStatus(gatewayClass, model, options.bundleVersion) },
  };
}

function gatewayAnswer(derivation: Derivation, { kind, key }: ObjectRef, object: string): Answer {
  const gateway = derivation.objects.get("Gateway", key);
  const outcome = derivation.outcome(key);
  if (gateway === undefined) return NOTHING;
  if (outcome === undefined) return { ...NOTHING, notices: gatewayNotices(derivation, gateway) };
  const attached = derivation.attachedRoutes(object);
  const status = gatewayStatus(gateway, outcome, (listener) => attached.get(listener)?.length ?? 0);
  return { status: { kind, key, status }, services: derivation.services(key), notices: [] };
}

function listenerSetAnswer(derivation: Derivation, { kind, key }: ObjectRef, object: string): Answer {
  const set = derivation.objects.get("ListenerSet", key);
  const outcome = derivation.listenerSet(key);
  if (set === undefined) return NOTHING;
  if (outcome === undefined) return { ...NOTHING, notices: listenerSetNotices(derivation, set) };
  const attached = derivation.attachedRoutes(object);
  const status = listenerSetStatus(set, outcome, (listener) => attached.get(listener)?.length ?? 0);
  return { ...NOTHING, status: { kind, key, status } };
}

function routeAnswer(derivation: Derivation, { kind, key }: ObjectRef, object: string): Answer {
  const route = derivation.route(object);
  if (route === undefined) return NOTHING;
  const notices = routeNotices(derivation, route, object);
  const parents = derivation.routeParents(object);
  // Entries that Blixt wrote for parents the route no longer has, or that are no longer ours, are to go.
  const left = route.status?.parents?.some(({ controllerName }) => controllerName === CONTROLLER_NAME) ??
    false;
  const backends = derivation.backends(object);
  if (backends === undefined || (parents.length === 0 && !left)) return { ...NOTHING, notices };
  return {
    services: [],
    notices,
    status: { kind, key, status: routeStatus(route, parents, backends.resolvedRefs) },
  };
}
