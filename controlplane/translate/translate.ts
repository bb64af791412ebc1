// SPDX-License-Identifier: Apache-2.0

import { compareIp, parseIp } from "../api/ip.ts";
import { type Kind, objectKey, type Snapshot } from "../api/snapshot.ts";
import { compareText } from "./age.ts";
import { Derivation, routeRef, type TranslateOptions } from "./derivation.ts";
import type { DesiredService } from "./desired.ts";
import { gatewayStatus } from "./gateway.ts";
import { gatewayClassStatus } from "./gateway_class.ts";
import { listenerSetStatus } from "./listener_set.ts";
import { refText } from "./object_ref.ts";
import { Objects } from "./objects.ts";
import { routeStatus } from "./route.ts";
import type { DesiredStatus, Notice, Translation } from "./translation.ts";

export type { TranslateOptions } from "./derivation.ts";

/**
 * Translates all objects into the statuses to write and the dataplane to program.
 * It has no clock and does no I/O: the same snapshot always gives the same answer, whatever
 * the order of its objects.
 */
export function translate(snapshot: Snapshot, options: TranslateOptions = {}): Translation {
  const objects = new Objects(snapshot);
  const derivation = new Derivation(objects, options);
  const statuses: DesiredStatus[] = [];
  const notices: Notice[] = [];
  const services: DesiredService[] = [];

  for (const gatewayClass of objects.all("GatewayClass")) {
    const key = objectKey(gatewayClass);
    const model = derivation.gatewayClass(key);
    if (model === undefined) continue;
    statuses.push({
      kind: "GatewayClass",
      key,
      status: gatewayClassStatus(gatewayClass, model, options.bundleVersion),
    });
  }
  for (const gateway of objects.all("Gateway")) {
    const key = objectKey(gateway);
    const outcome = derivation.outcome(key);
    if (outcome === undefined) continue;
    const attached = derivation.attachedRoutes(refText({ kind: "Gateway", key }));
    const status = gatewayStatus(gateway, outcome, (listener) => attached.get(listener)?.length ?? 0);
    statuses.push({ kind: "Gateway", key, status });
    services.push(...derivation.services(key));
  }
  for (const set of objects.all("ListenerSet")) {
    const key = objectKey(set);
    const outcome = derivation.listenerSet(key);
    if (outcome === undefined) continue;
    const attached = derivation.attachedRoutes(refText({ kind: "ListenerSet", key }));
    const status = listenerSetStatus(set, outcome, (listener) => attached.get(listener)?.length ?? 0);
    statuses.push({ kind: "ListenerSet", key, status });
  }
  for (const kind of ["TCPRoute", "UDPRoute"] as const) {
    for (const route of objects.all(kind)) {
      const ref = routeRef(route);
      const parents = derivation.routeParents(ref);
      const backends = derivation.backends(ref);
      if (parents.length === 0 || backends === undefined) continue;
      statuses.push({
        kind,
        key: objectKey(route),
        status: routeStatus(route, parents, backends.resolvedRefs),
      });
    }
  }
  return {
    dataplane: { services: services.sort(compareServices) },
    statuses: statuses.sort(compareStatuses),
    notices,
  };
}

function compareStatuses(a: { kind: Kind; key: string }, b: { kind: Kind; key: string }): number {
  return compareText(a.kind, b.kind) || compareText(a.key, b.key);
}

function compareServices(a: DesiredService, b: DesiredService): number {
  return compareAddresses(a.address, b.address) || a.port - b.port || compareText(a.protocol, b.protocol);
}

function compareAddresses(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [parseIp(a), parseIp(b)];
  return left === undefined || right === undefined ? compareText(a, b) : compareIp(left, right);
}
