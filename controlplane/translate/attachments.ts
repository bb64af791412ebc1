// SPDX-License-Identifier: Apache-2.0

// The stage of the routes, beside that of addresses: what they attach to, which of
// them has a listener's traffic, and what is behind them. Routes and their parents
// are named by refText.

import type { L4Route, ParentReference } from "../api/l4_route.ts";
import { objectKey } from "../api/snapshot.ts";
import { equal } from "../equal.ts";
import { sortByAge } from "./age.ts";
import type { GatewayModels } from "./gateway_models.ts";
import type { Graph, Memo } from "./graph.ts";
import { parseRef, refText } from "./object_ref.ts";
import type { Objects } from "./objects.ts";
import { attach, type Attachment, type ParentModel, parentOf } from "./parent_ref.ts";
import { resolveBackends, type RouteBackends } from "./route.ts";

/** A parentRef of a route with what it came to. */
export interface RouteParent {
  readonly ref: ParentReference;
  /** refText of the Gateway or ListenerSet. */
  readonly parent: string;
  readonly attachment: Attachment;
}

/** The refText of a route. */
export function routeRef(route: L4Route): string {
  return refText({ kind: route.kind === "UDPRoute" ? "UDPRoute" : "TCPRoute", key: objectKey(route) });
}

/** Routes and what they attach to. */
export class Attachments {
  /** The parents of a route that are ours, in the order of spec.parentRefs. */
  readonly parentsOf: Memo<readonly RouteParent[]>;
  /** The routes attached to each listener of a parent, by the listener's name, oldest first. */
  readonly attachedRoutes: Memo<ReadonlyMap<string, readonly L4Route[]>>;
  /** What the backendRefs of a route come to. */
  readonly backends: Memo<RouteBackends | undefined>;
  readonly #objects: Objects;
  readonly #models: GatewayModels;
  readonly #parent: Memo<ParentModel | undefined>;
  readonly #servingRoute: Memo<string | undefined>;

  constructor(graph: Graph, objects: Objects, models: GatewayModels) {
    this.#objects = objects;
    this.#models = models;
    this.#parent = graph.memo((parent) => this.#modelParent(parent));
    this.parentsOf = graph.memo((route) => this.#attach(route), equal);
    this.attachedRoutes = graph.memo((parent) => this.#collect(parent));
    this.backends = graph.memo((text) => {
      const route = this.route(text);
      return route && resolveBackends(route, route.kind === "UDPRoute" ? "UDP" : "TCP", objects);
    }, equal);
    this.#servingRoute = graph.memo((text) => {
      const space = text.indexOf(" ");
      const oldest = this.attachedRoutes(text.slice(space + 1)).get(text.slice(0, space))?.[0];
      return oldest && routeRef(oldest);
    });
  }

  /** The route that has the traffic of a parent's listener: the oldest that is attached (Listener.allowedRoutes). */
  servingRoute(parent: string, listener: string): string | undefined {
    return this.#servingRoute(`${listener} ${parent}`);
  }

  /** The route of that refText. */
  route(text: string): L4Route | undefined {
    const { kind, key } = parseRef(text);
    return kind === "TCPRoute" || kind === "UDPRoute" ? this.#objects.get(kind, key) : undefined;
  }

  /** A Gateway or ListenerSet of ours as routes see it. */
  #modelParent(parent: string): ParentModel | undefined {
    const ref = parseRef(parent);
    const namespace = ref.key.slice(0, ref.key.indexOf("/"));
    if (ref.kind === "Gateway") {
      const model = this.#models.gateway(ref.key);
      return model && { ref, namespace, listeners: model.listeners };
    }
    const gateway = this.#models.gatewayOf(ref.key);
    if (gateway === undefined) return undefined;
    const listeners = this.#models.gateway(gateway)?.sets.get(ref.key);
    if (listeners !== undefined) return { ref, namespace, listeners };
    return { ref, namespace, listeners: [], detached: `Gateway ${gateway} does not admit ${parent}.` };
  }

  #attach(text: string): readonly RouteParent[] {
    const route = this.route(text);
    return (route?.spec.parentRefs ?? []).flatMap((ref) => {
      const named = route && parentOf(route, ref);
      const parent = named && this.#parent(refText(named));
      if (route === undefined || parent === undefined) return [];
      const attachment = attach(route, ref, parent, (name) => this.#objects.get("Namespace", name));
      return [{ ref, parent: refText(parent.ref), attachment }];
    });
  }

  #collect(parent: string): ReadonlyMap<string, readonly L4Route[]> {
    const byListener = new Map<string, L4Route[]>();
    for (const route of sortByAge(this.#objects.routesOf(parent), ({ metadata }) => metadata)) {
      const here = this.parentsOf(routeRef(route)).filter((entry) => entry.parent === parent);
      for (const listener of new Set(here.flatMap(({ attachment }) => attachment.listeners))) {
        const attached = byListener.get(listener);
        if (attached === undefined) byListener.set(listener, [route]);
        else attached.push(route);
      }
    }
    return byListener;
  }
}
