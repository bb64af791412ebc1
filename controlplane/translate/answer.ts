// SPDX-License-Identifier: Apache-2.0

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import type { KubernetesObject } from "../api/object.ts";
import { parseIp } from "../api/ip.ts";
import { equal } from "../equal.ts";
import type { Derivation } from "./derivation.ts";
import type { DesiredService } from "./desired.ts";
import { type DesiredLoadBalancer, nameTaken } from "./load_balancer.ts";
import { gatewayStatus } from "./gateway.ts";
import { gatewayClassStatus } from "./gateway_class.ts";
import { listenerSetStatus, parentGateway } from "./listener_set.ts";
import { gatewayNotices, listenerSetNotices, routeNotices } from "./notices.ts";
import { orphanStatus } from "./orphans.ts";
import { type ObjectRef, parseRef } from "./object_ref.ts";
import type { TranslateOptions } from "./options.ts";
import { routeStatus } from "./route.ts";
import type { DesiredStatus, Notice } from "./translation.ts";

/** One object's part of the translation. Services and notices stand by the keys that give their order in the whole. */
export interface Answer {
  /** Absent when Blixt owns no status of the object. */
  readonly status?: DesiredStatus;
  readonly services: ReadonlyMap<string, DesiredService>;
  readonly notices: ReadonlyMap<string, Notice>;
  /** Of a Gateway. */
  readonly loadBalancer?: DesiredLoadBalancer;
}

/** The part of an object that contributes nothing. */
export const NOTHING: Answer = { services: new Map(), notices: new Map() };

/** The notices of nearly all objects. */
const NO_NOTICES: Answer["notices"] = NOTHING.notices;

/** Whether they say the same. The status that comes back to an object, for one, changes nothing of its answer. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  return equal(a.status, b.status) && equal(a.loadBalancer, b.loadBalancer) &&
    sameEntries(a.services, b.services) && sameEntries(a.notices, b.notices);
}

function sameEntries<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean {
  return a === b || a.size === b.size && [...a].every(([key, value]) => equal(value, b.get(key)));
}

/** By address, IPv4 first, then port, then protocol. */
function byKey(services: readonly DesiredService[]): ReadonlyMap<string, DesiredService> {
  return new Map(services.map((service) => {
    const { address, port, protocol } = service;
    const parsed = parseIp(address);
    const number = parsed?.number.toString(16).padStart(32, "0") ?? "";
    return [`${parsed?.family ?? ""} ${number} ${String(port).padStart(5, "0")} ${protocol}`, service];
  }));
}

/** By object, then reason, then message. */
function byText(notices: readonly Notice[]): ReadonlyMap<string, Notice> {
  if (notices.length === 0) return NO_NOTICES;
  return new Map(
    notices.map((notice) => [`${notice.kind} ${notice.key} ${notice.reason} ${notice.message}`, notice]),
  );
}

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
  const model = derivation.models.gatewayClass(key);
  if (gatewayClass === undefined || model === undefined) return NOTHING;
  return {
    ...NOTHING,
    status: { kind, key, status: gatewayClassStatus(gatewayClass, model, options.bundleVersion) },
  };
}

function gatewayAnswer(derivation: Derivation, { kind, key }: ObjectRef, object: string): Answer {
  const gateway = derivation.objects.get("Gateway", key);
  const outcome = derivation.outcomes.gateway(key);
  if (gateway === undefined) return NOTHING;
  if (outcome === undefined) {
    const orphaned = derivation.objects.get("GatewayClass", gateway.spec.gatewayClassName) === undefined;
    return {
      ...orphan(gateway, { kind, key }, orphaned),
      notices: byText(gatewayNotices(derivation, gateway)),
    };
  }
  const attached = derivation.attachments.attachedRoutes(object);
  const status = gatewayStatus(gateway, outcome, (listener) => attached.get(listener)?.length ?? 0);
  const answer = { ...NOTHING, status: { kind, key, status }, services: byKey(derivation.services(key)) };
  const { reason, message } = outcome.programmed;
  const notices: Notice[] = reason === "NoResources" ? [{ kind, key, reason, message }] : [];
  const desired = derivation.loadBalancer(key);
  if (desired === undefined) return { ...answer, notices: byText(notices) };
  const taken = nameTaken(gateway, derivation.objects.get("Service", desired.key));
  if (taken === undefined) return { ...answer, notices: byText(notices), loadBalancer: desired };
  notices.push({ kind, key, reason: "ServiceNameTaken", message: taken });
  return { ...answer, notices: byText(notices) };
}

function listenerSetAnswer(derivation: Derivation, { kind, key }: ObjectRef, object: string): Answer {
  const set = derivation.objects.get("ListenerSet", key);
  const outcome = derivation.outcomes.listenerSet(key);
  if (set === undefined) return NOTHING;
  if (outcome === undefined) {
    const orphaned = isOrphan(derivation, set);
    return { ...orphan(set, { kind, key }, orphaned), notices: byText(listenerSetNotices(derivation, set)) };
  }
  const attached = derivation.attachments.attachedRoutes(object);
  const status = listenerSetStatus(set, outcome, (listener) => attached.get(listener)?.length ?? 0);
  return { ...NOTHING, status: { kind, key, status } };
}

/** Whether the Gateway of a ListenerSet is gone, or its class. */
function isOrphan(derivation: Derivation, set: ListenerSet): boolean {
  const key = parentGateway(set);
  if (key === undefined) return false;
  const gateway = derivation.objects.get("Gateway", key);
  return gateway === undefined ||
    derivation.objects.get("GatewayClass", gateway.spec.gatewayClassName) === undefined;
}

/** The answer for an object that is not Blixt's; for others' objects nothing. */
function orphan(object: KubernetesObject, ref: ObjectRef, orphaned: boolean): Answer {
  const status = orphaned ? orphanStatus(object) : undefined;
  return status === undefined ? NOTHING : { ...NOTHING, status: { ...ref, status } };
}

function routeAnswer(derivation: Derivation, { kind, key }: ObjectRef, object: string): Answer {
  const route = derivation.attachments.route(object);
  if (route === undefined) return NOTHING;
  const notices = byText(routeNotices(derivation, route, object));
  const parents = derivation.attachments.parentsOf(object);
  // Entries that Blixt wrote for parents the route no longer has, or that are no longer ours, are to go.
  const left = route.status?.parents?.some(({ controllerName }) => controllerName === CONTROLLER_NAME) ??
    false;
  const backends = derivation.attachments.backends(object);
  if (backends === undefined || (parents.length === 0 && !left)) return { ...NOTHING, notices };
  return {
    ...NOTHING,
    notices,
    status: { kind, key, status: routeStatus(route, parents, backends.resolvedRefs) },
  };
}
