// SPDX-License-Identifier: Apache-2.0

import { GATEWAY_GROUP, type Listener, type RouteGroupKind } from "../api/gateway.ts";
import type { Protocol } from "./desired.ts";

/** The kinds of routes that Blixt serves. */
export type RouteKind = "TCPRoute" | "UDPRoute";

/** The kind of route that a listener of each protocol takes. */
export const ROUTE_KINDS: Readonly<Record<Protocol, RouteKind>> = { TCP: "TCPRoute", UDP: "UDPRoute" };

/** The listener's protocol, if Blixt speaks it. */
export function protocolOf(listener: Listener): Protocol | undefined {
  return listener.protocol === "TCP" || listener.protocol === "UDP" ? listener.protocol : undefined;
}

/** What allowedRoutes.kinds of a listener comes to. */
export interface RouteKinds {
  /** ListenerStatus.supportedKinds. */
  readonly supported: readonly RouteGroupKind[];
  /** The kinds named that the listener cannot take, for people. */
  readonly invalid: readonly string[];
}

function takes(kind: RouteKind): RouteKinds {
  return { supported: [{ group: GATEWAY_GROUP, kind }], invalid: [] };
}

/** What nearly all listeners come to. */
const TAKES: Readonly<Record<RouteKind, RouteKinds>> = {
  TCPRoute: takes("TCPRoute"),
  UDPRoute: takes("UDPRoute"),
};

/**
 * The kinds of routes a listener takes: what its protocol supports, narrowed by
 * allowedRoutes.kinds. Kinds that are named and not supported never appear
 * (ListenerStatus.supportedKinds).
 */
export function routeKinds(listener: Listener): RouteKinds {
  const protocol = protocolOf(listener);
  const own = protocol === undefined ? undefined : ROUTE_KINDS[protocol];
  const named = listener.allowedRoutes?.kinds ?? [];
  const supports = (kind: RouteGroupKind): boolean =>
    (kind.group ?? GATEWAY_GROUP) === GATEWAY_GROUP && kind.kind === own;
  const supported = own !== undefined && (named.length === 0 || named.some(supports));
  const invalid = named.filter((kind) => !supports(kind)).map(({ group = GATEWAY_GROUP, kind }) =>
    group === GATEWAY_GROUP ? kind : `${kind} of ${group === "" ? "the core group" : `group ${group}`}`
  );
  if (invalid.length === 0 && supported) return TAKES[own];
  return { supported: supported ? TAKES[own].supported : [], invalid };
}
