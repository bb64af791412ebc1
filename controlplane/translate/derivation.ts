// SPDX-License-Identifier: Apache-2.0

// The stages between objects and their translation, and what each reads from the
// one before: classes, Gateways with their listeners, addresses, ports, routes.

import type { Gateway } from "../api/gateway.ts";
import type { L4Route, ParentReference } from "../api/l4_route.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import { type ObjectKey, objectKey } from "../api/snapshot.ts";
import { parseIp } from "../api/ip.ts";
import { equal } from "../equal.ts";
import { type AddressAnswer, type AddressRequest, addressRequest, assignAddresses } from "./addresses.ts";
import { compareText, sortByAge } from "./age.ts";
import type { Verdict } from "./conditions.ts";
import { findConflicts } from "./conflicts.ts";
import type { DesiredService } from "./desired.ts";
import { gatewayAccepted, type GatewayOutcome, gatewayProgrammed } from "./gateway.ts";
import { type ClassModel, isOurClass, modelClass } from "./gateway_class.ts";
import { Graph } from "./graph.ts";
import { type ListenerModel, type ListenerOutcome, listenerOutcome, modelListener } from "./listeners.ts";
import {
  isListenerSetAllowed,
  listenerSetAccepted,
  type ListenerSetOutcome,
  listenerSetProgrammed,
  notAllowed,
  parentGateway,
} from "./listener_set.ts";
import type { NamespaceLookup } from "./namespaces.ts";
import { parseRef, refText } from "./object_ref.ts";
import { Objects } from "./objects.ts";
import { attach, type Attachment, type ParentModel, parentOf } from "./parent_ref.ts";
import { type LostPorts, type PortRequest, settlePorts } from "./ports.ts";
import { backendGroups, resolveBackends, type RouteBackends } from "./route.ts";

/** What the translation is told besides the objects. */
export interface TranslateOptions {
  /**
   * Whether Gateways get new addresses from the pool; true when absent. False on
   * control planes that do not write status: they read the assignment.
   */
  readonly assignAddresses?: boolean;
  /** The bundle version of the cluster's Gateway API CRDs; absent where there are none, as with manifests. */
  readonly bundleVersion?: string;
}

/** A Gateway of ours with all its listeners, judged by their own. */
interface GatewayModel {
  readonly gateway: Gateway;
  readonly classModel: ClassModel;
  readonly listeners: readonly ListenerModel[];
  /** ListenerSets that the Gateway admits, oldest first. */
  readonly sets: readonly { readonly set: ListenerSet; readonly listeners: readonly ListenerModel[] }[];
}

/** A Gateway's outcome and those of the ListenerSets it admits. */
interface MergedOutcome extends GatewayOutcome {
  readonly sets: ReadonlyMap<ObjectKey, ListenerSetOutcome>;
}

/** A parentRef of a route with what it came to. */
export interface RouteParent {
  readonly ref: ParentReference;
  readonly parent: string;
  readonly attachment: Attachment;
}

/** The answer for a Gateway that asked for nothing. */
const NO_ADDRESSES: AddressAnswer = { addresses: [], unusable: [], unassigned: [] };

/**
 * Every stage, computed when it is asked for and remembered until something it
 * read is different. Gateways and ListenerSets are named by key; routes, and
 * parents of routes, by refText.
 */
export class Derivation {
  readonly graph = new Graph();
  readonly objects = new Objects(this.graph);
  readonly #options: TranslateOptions;
  readonly #namespaces: NamespaceLookup = (name) => this.objects.get("Namespace", name);

  constructor(options: TranslateOptions) {
    this.#options = options;
  }

  /** The class of that name, if it is Blixt's. */
  readonly gatewayClass = this.graph.memo<ClassModel | undefined>((name) => {
    const gatewayClass = this.objects.get("GatewayClass", name);
    if (!isOurClass(gatewayClass)) return undefined;
    return modelClass(gatewayClass, (config) => this.objects.get("GatewayClassConfig", config));
  });

  /** The Gateway of that key, if its class is Blixt's. */
  readonly gatewayModel = this.graph.memo<GatewayModel | undefined>((key) => {
    const gateway = this.objects.get("Gateway", key);
    const classModel = gateway && this.gatewayClass(gateway.spec.gatewayClassName);
    if (gateway === undefined || classModel === undefined) return undefined;
    const admitted = this.objects.listenerSetsOf(key)
      .filter((set) => isListenerSetAllowed(gateway, set, this.#namespaces));
    const sets = sortByAge(admitted, ({ metadata }) => metadata);
    const groups = [gateway, ...sets].map((owner) => ({
      name: refText({ kind: owner === gateway ? "Gateway" : "ListenerSet", key: objectKey(owner) }),
      listeners: owner.spec.listeners ?? [],
    }));
    const conflicts = findConflicts(groups);
    const [own = [], ...others] = groups.map(({ listeners }) =>
      listeners.map((listener) => modelListener(listener, conflicts.get(listener)))
    );
    return {
      gateway,
      classModel,
      listeners: own,
      sets: sets.map((set, index) => ({ set, listeners: others[index] ?? [] })),
    };
  });

  /** Whether a Gateway is accepted as far as its own objects go: what the ports of other Gateways leave of it comes later. */
  readonly #eligible = this.graph.memo<boolean>((key) => {
    const model = this.gatewayModel(key);
    return model !== undefined &&
      gatewayAccepted(model.gateway, model.listeners.map(alone)).status === "True";
  });

  /** What a Gateway of ours asks the address pool for. */
  readonly #addressRequest = this.graph.memo<AddressRequest | undefined>((key) => {
    const gateway = this.objects.get("Gateway", key);
    const classModel = gateway && this.gatewayClass(gateway.spec.gatewayClassName);
    if (gateway === undefined || classModel === undefined) return undefined;
    return addressRequest(gateway, classModel.addresses, this.#eligible(key));
  }, equal);

  /** The addresses of all Gateways of ours, by key. */
  readonly #allAddresses = this.graph.memo<ReadonlyMap<ObjectKey, AddressAnswer>>(() => {
    const asked = this.objects.gatewayKeys().flatMap((key) => {
      const request = this.#addressRequest(key);
      return request === undefined ? [] : [{ key, request }];
    });
    const fromPool = this.#options.assignAddresses ?? true;
    const answers = assignAddresses(asked.map(({ request }) => request), { fromPool });
    return new Map(asked.map(({ key }, index) => [key, answers[index] ?? NO_ADDRESSES]));
  });

  /** The addresses of one Gateway. */
  readonly addresses = this.graph.memo<AddressAnswer>(
    (key) => this.#allAddresses("").get(key) ?? NO_ADDRESSES,
    equal,
  );

  /** The Gateways that share an address with another. */
  readonly #sharers = this.graph.memo<readonly ObjectKey[]>(() => {
    const holders = new Map<string, ObjectKey[]>();
    for (const [key, { addresses }] of this.#allAddresses("")) {
      for (const address of addresses) holders.set(address, [...(holders.get(address) ?? []), key]);
    }
    const shared = [...holders.values()].filter((keys) => keys.length > 1);
    return [...new Set(shared.flat())].sort(compareText);
  }, equal);

  /** The ports that a Gateway of ours wants on its addresses. */
  readonly #portRequest = this.graph.memo<PortRequest | undefined>((key) => {
    const model = this.gatewayModel(key);
    if (model === undefined) return undefined;
    const { name, namespace, creationTimestamp } = model.gateway.metadata;
    const portsOf = (listeners: readonly ListenerModel[]): string[] =>
      this.#eligible(key) ? listeners.filter(({ accepted }) => accepted.status === "True").map(portOf) : [];
    return {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      addresses: this.addresses(key).addresses,
      own: portsOf(model.listeners),
      others: model.sets.flatMap(({ listeners }) => portsOf(listeners)),
    };
  }, equal);

  /** The ports that Gateways lose to older ones, by key. */
  readonly #allLostPorts = this.graph.memo<ReadonlyMap<ObjectKey, LostPorts>>(() => {
    const asked = this.#sharers("").flatMap((key) => {
      const request = this.#portRequest(key);
      return request === undefined ? [] : [{ key, request }];
    });
    const answers = settlePorts(asked.map(({ request }) => request));
    return new Map(asked.map(({ key }, index) => [key, answers[index] ?? {}]));
  });

  /** The ports that a Gateway loses to older ones. */
  readonly #lostPorts = this.graph.memo<LostPorts>((key) => this.#allLostPorts("").get(key) ?? {}, equal);

  /** How a Gateway of ours and its ListenerSets fare. */
  readonly outcome = this.graph.memo<MergedOutcome | undefined>((key) => {
    const model = this.gatewayModel(key);
    if (model === undefined) return undefined;
    const { gateway } = model;
    const addresses = this.addresses(key);
    const lost = this.#lostPorts(key);
    const fare = (
      models: readonly ListenerModel[],
      inListenerSet: boolean,
      parent?: Verdict,
    ): ListenerOutcome[] =>
      models.map((listener) =>
        listenerOutcome(listener, {
          hasAddress: addresses.addresses.length > 0,
          portTakenBy: lost[portOf(listener)],
          parentProblem: parent === undefined || parent.status === "True"
            ? undefined
            : `The Gateway is not accepted: ${parent.message}`,
          inListenerSet,
        })
      );
    const accepted = gatewayAccepted(gateway, fare(model.listeners, false));
    const listeners = fare(model.listeners, false, accepted);
    const programmed = gatewayProgrammed(accepted, addresses, listeners);
    const sets = new Map(model.sets.map(({ set, listeners }) => {
      const outcomes = fare(listeners, true, accepted);
      const setAccepted = listenerSetAccepted(accepted, outcomes);
      const setProgrammed = listenerSetProgrammed(setAccepted, programmed, outcomes);
      return [objectKey(set), {
        accepted: setAccepted,
        programmed: setProgrammed,
        listeners: outcomes,
      }] as const;
    }));
    const attachedListenerSets = [...sets.values()].filter((set) => set.accepted.status === "True").length;
    return { accepted, programmed, addresses, listeners, attachedListenerSets, sets };
  });

  /** How the ListenerSet of that key fares, if its Gateway is ours. */
  readonly listenerSet = this.graph.memo<ListenerSetOutcome | undefined>((key) => {
    const set = this.objects.get("ListenerSet", key);
    const gatewayKey = set && parentGateway(set);
    const model = gatewayKey === undefined ? undefined : this.gatewayModel(gatewayKey);
    if (gatewayKey === undefined || model === undefined) return undefined;
    return this.outcome(gatewayKey)?.sets.get(key) ?? notAllowed(model.gateway);
  });

  /** A Gateway or ListenerSet of ours as routes see it. */
  readonly parent = this.graph.memo<ParentModel | undefined>((text) => {
    const ref = parseRef(text);
    const namespace = ref.key.slice(0, ref.key.indexOf("/"));
    if (ref.kind === "Gateway") {
      const model = this.gatewayModel(ref.key);
      return model && { ref, namespace, listeners: model.listeners };
    }
    const set = this.objects.get("ListenerSet", ref.key);
    const gatewayKey = set && parentGateway(set);
    const model = gatewayKey === undefined ? undefined : this.gatewayModel(gatewayKey);
    if (model === undefined) return undefined;
    const admitted = model.sets.find((entry) => objectKey(entry.set) === ref.key);
    if (admitted !== undefined) return { ref, namespace, listeners: admitted.listeners };
    return { ref, namespace, listeners: [], detached: `Gateway ${gatewayKey} does not admit ${text}.` };
  });

  /** The parents of a route that are ours, in the order of spec.parentRefs. */
  readonly routeParents = this.graph.memo<readonly RouteParent[]>((text) => {
    const route = this.route(text);
    return (route?.spec.parentRefs ?? []).flatMap((ref) => {
      const named = route && parentOf(route, ref);
      const parent = named && this.parent(refText(named));
      if (route === undefined || parent === undefined) return [];
      return [{ ref, parent: refText(parent.ref), attachment: attach(route, ref, parent, this.#namespaces) }];
    });
  });

  /** The routes attached to each listener of a parent, by its name, oldest first. */
  readonly attachedRoutes = this.graph.memo<ReadonlyMap<string, readonly L4Route[]>>((parent) => {
    const byListener = new Map<string, L4Route[]>();
    const routes = sortByAge(this.objects.routesOf(parent), ({ metadata }) => metadata);
    for (const route of routes) {
      const here = this.routeParents(routeRef(route)).filter((entry) => entry.parent === parent);
      for (const listener of new Set(here.flatMap(({ attachment }) => attachment.listeners))) {
        const attached = byListener.get(listener);
        if (attached === undefined) byListener.set(listener, [route]);
        else attached.push(route);
      }
    }
    return byListener;
  });

  readonly #servingRoute = this.graph.memo<string | undefined>((text) => {
    const space = text.indexOf(" ");
    const oldest = this.attachedRoutes(text.slice(space + 1)).get(text.slice(0, space))?.[0];
    return oldest && routeRef(oldest);
  });

  /** What the backendRefs of a route come to. */
  readonly backends = this.graph.memo<RouteBackends | undefined>((text) => {
    const route = this.route(text);
    return route && resolveBackends(route, route.kind === "UDPRoute" ? "UDP" : "TCP", this.objects);
  });

  /** What the kernel should do for a Gateway of ours. */
  readonly services = this.graph.memo<readonly DesiredService[]>((key) => {
    const outcome = this.outcome(key);
    if (outcome === undefined) return [];
    const parents = [
      { parent: refText({ kind: "Gateway", key }), listeners: outcome.listeners },
      ...[...outcome.sets].map(([set, { listeners }]) => ({
        parent: refText({ kind: "ListenerSet", key: set }),
        listeners,
      })),
    ];
    return parents.flatMap(({ parent, listeners }) =>
      listeners.filter(({ programmed }) => programmed.status === "True")
        .flatMap(({ model }) =>
          outcome.addresses.addresses.map((address) => this.#service(parent, model, address))
        )
    );
  });

  #service(parent: string, { listener, protocol }: ListenerModel, address: string): DesiredService {
    const route = this.servingRoute(parent, listener.name);
    const backends = route === undefined ? undefined : this.backends(route);
    const family = parseIp(address)?.family ?? "IPv4";
    return {
      address,
      port: listener.port,
      protocol: protocol ?? "TCP",
      listener: `${parent}, listener ${listener.name}`,
      ...(route === undefined ? {} : { route }),
      groups: backends === undefined ? [] : backendGroups(backends, family),
      affinitySeconds: backends?.affinitySeconds ?? 0,
    };
  }

  /** The route that has the traffic of a parent's listener: the oldest that is attached. */
  servingRoute(parent: string, listener: string): string | undefined {
    return this.#servingRoute(`${listener} ${parent}`);
  }

  /** The addresses at which a Gateway or ListenerSet listens. */
  addressesOf(parent: string): readonly string[] {
    const { kind, key } = parseRef(parent);
    const set = kind === "ListenerSet" ? this.objects.get(kind, key) : undefined;
    const gateway = set === undefined ? key : parentGateway(set);
    return gateway === undefined ? [] : this.addresses(gateway).addresses;
  }

  /** The route of that refText. */
  route(text: string): L4Route | undefined {
    const { kind, key } = parseRef(text);
    return kind === "TCPRoute" || kind === "UDPRoute" ? this.objects.get(kind, key) : undefined;
  }
}

/** A listener's outcome if no other Gateway stood in its way. */
function alone(model: ListenerModel): { readonly model: ListenerModel; readonly accepted: Verdict } {
  return { model, accepted: model.accepted };
}

function portOf({ listener }: ListenerModel): string {
  return `${listener.protocol}/${listener.port}`;
}

/** The refText of a route. */
export function routeRef(route: L4Route): string {
  return refText({ kind: route.kind === "UDPRoute" ? "UDPRoute" : "TCPRoute", key: objectKey(route) });
}
