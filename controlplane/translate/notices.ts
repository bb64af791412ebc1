// SPDX-License-Identifier: Apache-2.0

// What no condition can say, because there is nobody to own the condition or
// because the Gateway API counts the object as fine.

import type { Gateway } from "../api/gateway.ts";
import { familyOf } from "../api/ip.ts";
import type { L4Route } from "../api/l4_route.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import { objectKey } from "../api/snapshot.ts";
import type { Derivation } from "./derivation.ts";
import { parentGateway } from "./listener_set.ts";
import { type ObjectRef, parseRef, refText } from "./object_ref.ts";
import { parentOf } from "./parent_ref.ts";
import type { Notice } from "./translation.ts";

/** Of a Gateway that is not Blixt's: its class may be missing altogether. */
export function gatewayNotices(derivation: Derivation, gateway: Gateway): Notice[] {
  const name = gateway.spec.gatewayClassName;
  if (derivation.objects.get("GatewayClass", name) !== undefined) return [];
  const message = `GatewayClass ${name}, named by spec.gatewayClassName, does not exist.`;
  return [{ kind: "Gateway", key: objectKey(gateway), reason: "GatewayClassNotFound", message }];
}

/** Of a ListenerSet whose Gateway is not Blixt's: it may be missing altogether. */
export function listenerSetNotices(derivation: Derivation, set: ListenerSet): Notice[] {
  const gateway = parentGateway(set);
  if (gateway === undefined || derivation.objects.get("Gateway", gateway) !== undefined) return [];
  const message = `Gateway ${gateway}, named by spec.parentRef, does not exist.`;
  return [{ kind: "ListenerSet", key: objectKey(set), reason: "ParentNotFound", message }];
}

/** Of a route: parents that do not exist, listeners that an older route has, backends without endpoints. */
export function routeNotices(derivation: Derivation, route: L4Route, object: string): Notice[] {
  const { kind, key } = parseRef(object);
  const notice = (reason: string, message: string): Notice => ({ kind, key, reason, message });
  return [
    ...missingParents(derivation, route).map((parent) =>
      notice("ParentNotFound", `${refText(parent)}, named by spec.parentRefs, does not exist.`)
    ),
    ...olderRoutes(derivation, object).map((message) => notice("OlderRouteServes", message)),
    ...withoutEndpoints(derivation, object).map((message) => notice("NoReadyEndpoints", message)),
  ];
}

function missingParents(derivation: Derivation, route: L4Route): ObjectRef[] {
  const parents = (route.spec.parentRefs ?? []).flatMap((ref) => parentOf(route, ref) ?? []);
  return parents.filter(({ kind, key }) => derivation.objects.get(kind, key) === undefined);
}

/** The listeners that a route is attached to, with the refText of the parent. */
function listenersOf(derivation: Derivation, object: string): { parent: string; listener: string }[] {
  return derivation.attachments.parentsOf(object).flatMap(({ parent, attachment }) =>
    attachment.listeners.map((listener) => ({ parent, listener }))
  );
}

/** Many routes on a listener are all accepted, and only the oldest gets its traffic. */
function olderRoutes(derivation: Derivation, object: string): string[] {
  return listenersOf(derivation, object).flatMap(({ parent, listener }) => {
    const serving = derivation.attachments.servingRoute(parent, listener);
    if (serving === undefined || serving === object) return [];
    return [`${serving} is older and has the traffic of listener ${listener} of ${parent}.`];
  });
}

/** A Service without endpoints of the address's family is no mistake in the route, but its share is refused. */
function withoutEndpoints(derivation: Derivation, object: string): string[] {
  const families = new Set(
    listenersOf(derivation, object)
      .filter(({ parent, listener }) => derivation.attachments.servingRoute(parent, listener) === object)
      .flatMap(({ parent }) => derivation.addressesOf(parent))
      .map(familyOf),
  );
  const backends = derivation.attachments.backends(object);
  return [...families].flatMap((family) =>
    (backends?.backends ?? [])
      .filter(({ weight, endpoints, problem }) =>
        problem === undefined && weight > 0 && endpoints[family].length === 0
      )
      .map(({ name }) => `${name} has no ready ${family} endpoint, so its share of the traffic is refused.`)
  );
}
