// SPDX-License-Identifier: Apache-2.0

import type { RemoteBackends } from "../api/gateway_class_config.ts";
import { familyOf } from "../api/ip.ts";
import type { ObjectKey } from "../api/snapshot.ts";
import { Addressing } from "./addressing.ts";
import { Attachments } from "./attachments.ts";
import type { DesiredService } from "./desired.ts";
import { GatewayModels } from "./gateway_models.ts";
import { Graph } from "./graph.ts";
import type { ListenerModel } from "./listeners.ts";
import { type DesiredLoadBalancer, loadBalancer } from "./load_balancer.ts";
import { listenerText, parseRef, refText } from "./object_ref.ts";
import { Objects } from "./objects.ts";
import type { TranslateOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { backendGroups } from "./route.ts";

/**
 * All stages from objects to answers. Each stage reads those before it, through
 * memos of one graph, so that a change reaches just what depends on it.
 */
export class Derivation {
  readonly graph = new Graph();
  readonly objects: Objects;
  readonly models: GatewayModels;
  readonly addressing: Addressing;
  readonly outcomes: Outcomes;
  readonly attachments: Attachments;
  readonly #node: string | undefined;

  constructor(options: TranslateOptions) {
    this.#node = options.node;
    this.objects = new Objects(this.graph, options.node);
    this.models = new GatewayModels(this.graph, this.objects);
    this.attachments = new Attachments(this.graph, this.objects, this.models);
    this.addressing = new Addressing(this.graph, this.objects, this.models, options);
    this.outcomes = new Outcomes(this.graph, this.objects, this.models, this.addressing, options);
  }

  /** The addresses at which a Gateway or ListenerSet, by its refText, listens. */
  addressesOf(parent: string): readonly string[] {
    const { kind, key } = parseRef(parent);
    const gateway = kind === "ListenerSet" ? this.models.gatewayOf(key) : key;
    return gateway === undefined ? [] : this.addressing.addresses(gateway).addresses;
  }

  /** What the kernel should do for the Gateway of that key. */
  services(key: ObjectKey): readonly DesiredService[] {
    const outcome = this.outcomes.gateway(key);
    if (outcome === undefined) return [];
    const parents = [
      { parent: refText({ kind: "Gateway", key }), listeners: outcome.listeners },
      ...[...outcome.sets].map(([set, { listeners }]) => ({
        parent: refText({ kind: "ListenerSet", key: set }),
        listeners,
      })),
    ];
    const ofClass = this.models.classOf(key)?.remoteBackends ?? "Direct";
    const ways = outcome.addresses.addresses.flatMap((address) => {
      const remoteBackends = this.#wayAt(address, ofClass);
      return remoteBackends === undefined ? [] : [{ address, remoteBackends }];
    });
    return parents.flatMap(({ parent, listeners }) =>
      listeners
        .filter(({ programmed }) => programmed.status === "True")
        .flatMap(({ model }) =>
          ways.map(({ address, remoteBackends }) => ({
            ...this.#service(parent, model, address),
            ...(remoteBackends !== "Direct" && { remoteBackends }),
          }))
        )
    );
  }

  /** The Service that stands for the Gateway of that key. */
  loadBalancer(key: ObjectKey): DesiredLoadBalancer | undefined {
    const gateway = this.objects.get("Gateway", key);
    const outcome = this.outcomes.gateway(key);
    if (gateway === undefined || outcome?.accepted.status !== "True") return undefined;
    const listeners = [...outcome.listeners, ...[...outcome.sets.values()].flatMap((set) => set.listeners)];
    return loadBalancer(gateway, listeners, outcome.addresses.addresses);
  }

  /**
   * How this node serves an address; undefined when it does not. One that is a node's own, as spec.addresses may name,
   * is served by that node alone: taken elsewhere too, whatever else listens at it would be out of reach there. Others
   * then cannot answer from it, so their pods' answers have to come back.
   */
  #wayAt(address: string, ofClass: RemoteBackends): RemoteBackends | undefined {
    const owner = this.#node === undefined ? undefined : this.objects.nodeOf(address);
    if (owner === undefined) return ofClass;
    return owner === this.#node ? "SNAT" : undefined;
  }

  #service(parent: string, { listener, protocol }: ListenerModel, address: string): DesiredService {
    const route = this.attachments.servingRoute(parent, listener.name);
    const backends = route === undefined ? undefined : this.attachments.backends(route);
    return {
      address,
      port: listener.port,
      protocol: protocol ?? "TCP",
      listener: listenerText(parent, listener.name),
      ...(route === undefined ? {} : { route }),
      groups: backends === undefined ? [] : backendGroups(backends, familyOf(address)),
      affinitySeconds: backends?.affinitySeconds ?? 0,
    };
  }
}
