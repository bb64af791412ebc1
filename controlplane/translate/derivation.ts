// SPDX-License-Identifier: Apache-2.0

// The stages between objects and their translation, and what each reads from the
// one before: classes, Gateways with their listeners, addresses, ports, routes.

import type { Gateway } from "../api/gateway.ts";
import type { L4Route, ParentReference } from "../api/l4_route.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import { type ObjectKey, objectKey } from "../api/snapshot.ts";
import { parseIp } from "../api/ip.ts";
import { type AddressAnswer, addressRequest, assignAddresses } from "./addresses.ts";
import { compareAge } from "./age.ts";
import type { Verdict } from "./conditions.ts";
import { findConflicts } from "./conflicts.ts";
import type { DesiredService } from "./desired.ts";
import { gatewayAccepted, type GatewayOutcome, gatewayProgrammed } from "./gateway.ts";
import { type ClassModel, isOurClass, modelClass } from "./gateway_class.ts";
import { memo } from "./graph.ts";
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
import { type Objects, routeProtocol } from "./objects.ts";
import { attach, type Attachment, type ParentModel, parentOf } from "./parent_ref.ts";
import { settlePorts } from "./ports.ts";
import { resolveBackends, type RouteBackends } from "./route.ts";

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

/** Why a listener with no address of its own. */
const NO_ADDRESSES: AddressAnswer = { addresses: [], unusable: [], unassigned: [] };

/** Every stage, computed when it is asked for and remembered. Gateways and the rest are named by key, routes and parents by refText. */
export class Derivation {
  readonly #objects: Objects;
  readonly #options: TranslateOptions;
  readonly #namespaces: NamespaceLookup;

  constructor(objects: Objects, options: TranslateOptions) {
    this.#objects = objects;
    this.#options = options;
    this.#namespaces = (name) => objects.get("Namespace", name);
  }

  /** The class of that name, if it is Blixt's. */
  readonly gatewayClass = memo<ClassModel | undefined>((name) => {
    const gatewayClass = this.#objects.get("GatewayClass", name);
    if (!isOurClass(gatewayClass)) return undefined;
    return modelClass(gatewayClass, (config) => this.#objects.get("GatewayClassConfig", config));
  });

  /** The Gateway of that key, if its class is Blixt's. */
  readonly gatewayModel = memo<GatewayModel | undefined>((key) => {
    const gateway = this.#objects.get("Gateway", key);
    const classModel = gateway && this.gatewayClass(gateway.spec.gatewayClassName);
    if (gateway === undefined || classModel === undefined) return undefined;
    const sets = this.#objects.listenerSetsOf(key)
      .filter((set) => isListenerSetAllowed(gateway, set, this.#namespaces))
      .sort((a, b) => compareAge(a.metadata, b.metadata));
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

  /** The addresses of all Gateways of ours, by key. */
  readonly #addresses = memo<ReadonlyMap<ObjectKey, AddressAnswer>>(() => {
    const models = this.#ourGateways();
    const requests = models.map(({ gateway, classModel, listeners }) => {
      const eligible =
        gatewayAccepted(gateway, listeners.map((model) => ({ model, accepted: model.accepted }))).status ===
          "True";
      return addressRequest(gateway, classModel.addresses, eligible);
    });
    const answers = assignAddresses(requests, { fromPool: this.#options.assignAddresses ?? true });
    return new Map(models.map(({ gateway }, index) => [objectKey(gateway), answers[index] ?? NO_ADDRESSES]));
  });

  /** The addresses of one Gateway. */
  readonly addresses = memo<AddressAnswer>((key) => this.#addresses("").get(key) ?? NO_ADDRESSES);

  /** Ports that Gateways lose to older ones on an address they share, by Gateway; the value names the owner. */
  readonly #lostPorts = memo<ReadonlyMap<ObjectKey, ReadonlyMap<string, string>>>(() => {
    const models = this.#ourGateways();
    const lost = settlePorts(models.map(({ gateway, listeners, sets }) => ({
      ...gateway.metadata,
      addresses: this.addresses(objectKey(gateway)).addresses,
      ports: [...listeners, ...sets.flatMap((set) => set.listeners)]
        .filter(({ accepted }) => accepted.status === "True").map(portOf),
    })));
    return new Map(models.map(({ gateway }, index) => [objectKey(gateway), lost[index] ?? new Map()]));
  });

  /** How a Gateway of ours and its ListenerSets fare. */
  readonly outcome = memo<MergedOutcome | undefined>((key) => {
    const model = this.gatewayModel(key);
    if (model === undefined) return undefined;
    const { gateway } = model;
    const addresses = this.addresses(key);
    const lost = this.#lostPorts("").get(key);
    const fare = (
      models: readonly ListenerModel[],
      inListenerSet: boolean,
      parent?: Verdict,
    ): ListenerOutcome[] =>
      models.map((listener) =>
        listenerOutcome(listener, {
          hasAddress: addresses.addresses.length > 0,
          portTakenBy: lost?.get(portOf(listener)),
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
  readonly listenerSet = memo<ListenerSetOutcome | undefined>((key) => {
    const set = this.#objects.get("ListenerSet", key);
    const gatewayKey = set && parentGateway(set);
    const model = gatewayKey === undefined ? undefined : this.gatewayModel(gatewayKey);
    if (gatewayKey === undefined || model === undefined) return undefined;
    return this.outcome(gatewayKey)?.sets.get(key) ?? notAllowed(model.gateway);
  });

  /** A Gateway or ListenerSet of ours as routes see it. */
  readonly parent = memo<ParentModel | undefined>((text) => {
    const ref = parseRef(text);
    const namespace = ref.key.slice(0, ref.key.indexOf("/"));
    if (ref.kind === "Gateway") {
      const model = this.gatewayModel(ref.key);
      return model && { ref, namespace, listeners: model.listeners };
    }
    const set = this.#objects.get("ListenerSet", ref.key);
    const gatewayKey = set && parentGateway(set);
    const model = gatewayKey === undefined ? undefined : this.gatewayModel(gatewayKey);
    if (model === undefined) return undefined;
    const admitted = model.sets.find((entry) => objectKey(entry.set) === ref.key);
    if (admitted !== undefined) return { ref, namespace, listeners: admitted.listeners };
    return { ref, namespace, listeners: [], detached: `Gateway ${gatewayKey} does not admit ${text}.` };
  });

  /** The parents of a route that are ours, in the order of spec.parentRefs. */
  readonly routeParents = memo<readonly RouteParent[]>((text) => {
    const route = this.route(text);
    return (route?.spec.parentRefs ?? []).flatMap((ref) => {
      const named = route && parentOf(route, ref);
      const parent = named && this.parent(refText(named));
      if (route === undefined || parent === undefined) return [];
      return [{ ref, parent: refText(parent.ref), attachment: attach(route, ref, parent, this.#namespaces) }];
    });
  });

  /** The routes attached to each listener of a parent, by its name, oldest first. */
  readonly attachedRoutes = memo<ReadonlyMap<string, readonly L4Route[]>>((parent) => {
    const byListener = new Map<string, L4Route[]>();
    const routes = [...this.#objects.routesOf(parent)].sort((a, b) => compareAge(a.metadata, b.metadata));
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

  /** What the backendRefs of a route come to. */
  readonly backends = memo<RouteBackends | undefined>((text) => {
    const route = this.route(text);
    return route && resolveBackends(route, routeProtocol(route), this.#objects);
  });

  /** What the kernel should do for a Gateway of ours. */
  readonly services = memo<readonly DesiredService[]>((key) => {
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
    const route = this.attachedRoutes(parent).get(listener.name)?.[0];
    const backends = route && this.backends(routeRef(route));
    const family = parseIp(address)?.family ?? "IPv4";
    return {
      address,
      port: listener.port,
      protocol: protocol ?? "TCP",
      listener: `${parent}, listener ${listener.name}`,
      ...(route === undefined ? {} : { route: routeRef(route) }),
      groups: backends?.groups[family] ?? [],
      affinitySeconds: backends?.affinitySeconds ?? 0,
    };
  }

  /** The route of that refText. */
  route(text: string): L4Route | undefined {
    const { kind, key } = parseRef(text);
    return kind === "TCPRoute" || kind === "UDPRoute" ? this.#objects.get(kind, key) : undefined;
  }

  #ourGateways(): GatewayModel[] {
    return [...this.#objects.keys("Gateway")].flatMap((key) => this.gatewayModel(key) ?? []);
  }
}

function portOf({ listener }: ListenerModel): string {
  return `${listener.protocol}/${listener.port}`;
}

/** The refText of a route. */
export function routeRef(route: L4Route): string {
  return refText({ kind: route.kind === "UDPRoute" ? "UDPRoute" : "TCPRoute", key: objectKey(route) });
}
