// SPDX-License-Identifier: Apache-2.0

// The first stage: which Gateways are Blixt's, and how they and their listeners
// stand by what they and their ListenerSets say.

import type { Gateway } from "../api/gateway.ts";
import { type ObjectKey, objectKey } from "../api/snapshot.ts";
import { sortByAge } from "./age.ts";
import { findConflicts } from "./conflicts.ts";
import { gatewayAccepted } from "./gateway.ts";
import { type ClassModel, isOurClass, modelClass } from "./gateway_class.ts";
import type { Graph, Memo } from "./graph.ts";
import { acceptListener, type ListenerModel, modelListener } from "./listeners.ts";
import { isListenerSetAllowed, parentGateway } from "./listener_set.ts";
import type { NamespaceLookup } from "./namespaces.ts";
import { refText } from "./object_ref.ts";
import type { Objects } from "./objects.ts";

/** A Gateway of ours with all its listeners. */
export interface GatewayModel {
  readonly gateway: Gateway;
  readonly listeners: readonly ListenerModel[];
  /** The listeners of the ListenerSets that the Gateway admits, by key, the oldest first. */
  readonly sets: ReadonlyMap<ObjectKey, readonly ListenerModel[]>;
}

/** Gateways, by key, and GatewayClasses, by name. */
export class GatewayModels {
  /** The class of that name, if it is Blixt's. */
  readonly gatewayClass: Memo<ClassModel | undefined>;
  /** The Gateway's class, if it is Blixt's. */
  readonly classOf: Memo<ClassModel | undefined>;
  /** The Gateway, if its class is Blixt's. */
  readonly gateway: Memo<GatewayModel | undefined>;
  /** Whether the Gateway is accepted as far as its own spec goes: what the ports of other Gateways leave of it comes later. */
  readonly eligible: Memo<boolean>;
  readonly #objects: Objects;
  readonly #namespaces: NamespaceLookup;

  constructor(graph: Graph, objects: Objects) {
    this.#objects = objects;
    this.#namespaces = (name) => objects.get("Namespace", name);
    this.gatewayClass = graph.memo((name) => this.#modelClass(name));
    this.classOf = graph.memo((key) => {
      const gateway = objects.get("Gateway", key);
      return gateway && this.gatewayClass(gateway.spec.gatewayClassName);
    });
    this.gateway = graph.memo((key) => this.#modelGateway(key));
    this.eligible = graph.memo((key) => {
      const model = this.gateway(key);
      return model !== undefined &&
        gatewayAccepted(model.gateway, model.listeners.map((each) => acceptListener(each, undefined)))
            .status === "True";
    });
  }

  /** The key of a ListenerSet's Gateway, if that is ours. */
  gatewayOf(set: ObjectKey): ObjectKey | undefined {
    const object = this.#objects.get("ListenerSet", set);
    const gateway = object && parentGateway(object);
    return gateway !== undefined && this.classOf(gateway) !== undefined ? gateway : undefined;
  }

  #modelClass(name: string): ClassModel | undefined {
    const gatewayClass = this.#objects.get("GatewayClass", name);
    if (!isOurClass(gatewayClass)) return undefined;
    return modelClass(gatewayClass, (config) => this.#objects.get("GatewayClassConfig", config));
  }

  #modelGateway(key: ObjectKey): GatewayModel | undefined {
    const gateway = this.#objects.get("Gateway", key);
    if (gateway === undefined || this.classOf(key) === undefined) return undefined;
    const admitted = this.#objects.listenerSetsOf(key)
      .filter((set) => isListenerSetAllowed(gateway, set, this.#namespaces));
    const sets = sortByAge(admitted, ({ metadata }) => metadata);
    const groups = [
      { name: refText({ kind: "Gateway", key }), listeners: gateway.spec.listeners ?? [] },
      ...sets.map((set) => ({
        name: refText({ kind: "ListenerSet", key: objectKey(set) }),
        listeners: set.spec.listeners ?? [],
      })),
    ];
    const conflicts = findConflicts(groups);
    const [own = [], ...others] = groups.map(({ listeners }, group) =>
      listeners.map((listener, index) => modelListener(listener, conflicts[group]?.[index]))
    );
    return {
      gateway,
      listeners: own,
      sets: new Map(sets.map((set, index) => [objectKey(set), others[index] ?? []])),
    };
  }
}
