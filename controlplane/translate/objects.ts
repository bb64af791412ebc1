// SPDX-License-Identifier: Apache-2.0

import { type EndpointSlice, SERVICE_NAME_LABEL } from "../api/endpoint_slice.ts";
import type { Gateway } from "../api/gateway.ts";
import type { GatewayClass } from "../api/gateway_class.ts";
import type { GatewayClassConfig } from "../api/gateway_class_config.ts";
import type { L4Route } from "../api/l4_route.ts";
import type { ListenerSet } from "../api/listener_set.ts";
import { canonicalIp, familyOf } from "../api/ip.ts";
import type { Namespace } from "../api/namespace.ts";
import type { Node } from "../api/node.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { ReferenceGrant } from "../api/reference_grant.ts";
import type { Service } from "../api/service.ts";
import { emptySnapshot, type Kind, KINDS, type ObjectKey, type Snapshot } from "../api/snapshot.ts";
import { equal } from "../equal.ts";
import type { NodeAddresses } from "./desired.ts";
import type { NodeLookup } from "./endpoints.ts";
import type { Graph, Memo, Roots, Source } from "./graph.ts";
import { Index } from "./index.ts";
import { parentGateway } from "./listener_set.ts";
import { type ObjectRef, refText } from "./object_ref.ts";
import { parentOf } from "./parent_ref.ts";

/** The type of the objects of each kind. */
export interface ObjectTypes {
  GatewayClass: GatewayClass;
  Gateway: Gateway;
  ListenerSet: ListenerSet;
  TCPRoute: L4Route;
  UDPRoute: L4Route;
  ReferenceGrant: ReferenceGrant;
  Service: Service;
  EndpointSlice: EndpointSlice;
  Namespace: Namespace;
  Node: Node;
  GatewayClassConfig: GatewayClassConfig;
}

/** Kinds whose objects mean nothing without a spec. */
const NEED_SPEC: ReadonlySet<Kind> = new Set<Kind>([
  "GatewayClass",
  "Gateway",
  "ListenerSet",
  "TCPRoute",
  "UDPRoute",
  "ReferenceGrant",
]);

/** An object that came or went, or is another than before. */
export interface Change extends ObjectRef {
  readonly before: KubernetesObject | undefined;
  readonly after: KubernetesObject | undefined;
}

function namespaceOf({ metadata }: KubernetesObject): string {
  return metadata.namespace ?? "";
}

function parentsOf(route: L4Route): string[] {
  return (route.spec.parentRefs ?? []).flatMap((ref) => {
    const parent = parentOf(route, ref);
    return parent === undefined ? [] : [refText(parent)];
  });
}

function gatewayOf(set: ListenerSet): string[] {
  const gateway = parentGateway(set);
  return gateway === undefined ? [] : [gateway];
}

function serviceOf(slice: EndpointSlice): string[] {
  const service = slice.metadata.labels?.[SERVICE_NAME_LABEL];
  return service === undefined ? [] : [`${namespaceOf(slice)}/${service}`];
}

/** The objects of a snapshot and the indexes that make the translation linear in their number, as sources of a graph. */
export class Objects {
  readonly #node: string | undefined;
  #snapshot: Snapshot = emptySnapshot();
  readonly #byKey: Readonly<Record<Kind, Source<KubernetesObject | undefined>>>;
  readonly #gatewayKeys: Source<readonly ObjectKey[]>;
  readonly #routes: Index<L4Route>;
  readonly #listenerSets: Index<ListenerSet>;
  readonly #slices: Index<EndpointSlice>;
  readonly #grants: Index<ReferenceGrant>;
  /** The addresses of other nodes by "family name": a Node changes often, its addresses hardly ever. */
  readonly #nodeAddress: Memo<string | undefined>;
  readonly #internalIps: Memo<readonly string[]>;
  readonly #ownersOfAddresses: Memo<Readonly<Record<string, string>>>;
  readonly #nodeOf: Memo<string | undefined>;
  readonly #nodeNames: Source<readonly string[]>;
  readonly #nodeAddresses: Roots<NodeAddresses | undefined>;
  readonly #indexes: Readonly<Partial<Record<Kind, { change(change: Change): void }>>>;

  /** @param node name of the node that the dataplane is on */
  constructor(graph: Graph, node?: string) {
    this.#node = node;
    const kinds = Object.keys(KINDS) as Kind[];
    this.#byKey = Object.fromEntries(
      kinds.map((kind) => [kind, graph.source((key) => this.#find(kind, key))]),
    ) as Record<Kind, Source<KubernetesObject | undefined>>;
    this.#gatewayKeys = graph.source(() => [...this.#snapshot.Gateway.keys()]);
    this.#routes = new Index(graph, parentsOf);
    this.#listenerSets = new Index(graph, gatewayOf);
    this.#slices = new Index(graph, serviceOf);
    this.#grants = new Index(graph, (grant) => [namespaceOf(grant)]);
    this.#nodeAddress = graph.memo((key) => {
      const [family = "", name = ""] = key.split(" ");
      if (node === undefined || name === node) return undefined;
      const addresses = internalIps(this.get("Node", name));
      return addresses.find((address) => familyOf(address) === family) ?? addresses[0];
    });
    this.#internalIps = graph.memo((name) => internalIps(this.get("Node", name)), equal);
    this.#nodeNames = graph.source(() => [...this.#snapshot.Node.keys()].sort());
    const allIps = graph.memo((name) => ipsOf(this.get("Node", name), ["InternalIP", "ExternalIP"]), equal);
    this.#ownersOfAddresses = graph.memo(
      () =>
        Object.fromEntries(
          this.#nodeNames.get("").toReversed().flatMap((name) =>
            allIps(name).map((address) => [address, name] as const)
          ),
        ),
      equal,
    );
    this.#nodeOf = graph.memo((address) => this.#ownersOfAddresses("")[address]);
    this.#nodeAddresses = graph.roots(() => {
      if (node === undefined) return undefined;
      const others = this.#nodeNames.get("").filter((name) => name !== node);
      return {
        own: this.#internalIps(node),
        others: others.flatMap((name) => this.#internalIps(name)),
      };
    });
    this.#indexes = {
      TCPRoute: this.#routes,
      UDPRoute: this.#routes,
      ListenerSet: this.#listenerSets,
      EndpointSlice: this.#slices,
      ReferenceGrant: this.#grants,
    };
  }

  /** Goes over to another snapshot and answers what is different. A kind whose map is the same is not looked at. */
  update(snapshot: Snapshot): readonly Change[] {
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const changes = (Object.keys(KINDS) as Kind[]).flatMap((kind) =>
      differences(kind, before[kind], snapshot[kind])
    );
    let gateways = false;
    let nodes = false;
    for (const change of changes) {
      this.#byKey[change.kind].changed(change.key);
      this.#indexes[change.kind]?.change(change);
      const cameOrWent = change.before === undefined || change.after === undefined;
      gateways ||= change.kind === "Gateway" && cameOrWent;
      nodes ||= change.kind === "Node" && cameOrWent;
    }
    if (nodes) this.#nodeNames.changed("");
    if (gateways) this.#gatewayKeys.changed("");
    return changes;
  }

  #find(kind: Kind, key: ObjectKey): KubernetesObject | undefined {
    const object = this.#snapshot[kind].get(key);
    return object === undefined || isWhole(kind, object) ? object : undefined;
  }

  /** The object of that kind and key. */
  get<K extends Kind>(kind: K, key: ObjectKey): ObjectTypes[K] | undefined {
    // Sources check that an object has the shape of its kind before they store it.
    return this.#byKey[kind].get(key) as ObjectTypes[K] | undefined;
  }

  /** The keys of all Gateways. */
  gatewayKeys(): readonly ObjectKey[] {
    return this.#gatewayKeys.get("");
  }

  /** The routes that name a Gateway or ListenerSet, by its refText, as a parent. */
  routesOf(parent: string): readonly L4Route[] {
    return this.#routes.get(parent);
  }

  /** The ListenerSets that name a Gateway, by its key, as their parent. */
  listenerSetsOf(gateway: ObjectKey): readonly ListenerSet[] {
    return this.#listenerSets.get(gateway);
  }

  /** The Service of that name. */
  service(namespace: string, name: string): Service | undefined {
    return this.get("Service", `${namespace}/${name}`);
  }

  /** The EndpointSlices of a Service. */
  endpointSlices(namespace: string, serviceName: string): readonly EndpointSlice[] {
    return this.#slices.get(`${namespace}/${serviceName}`);
  }

  /** The addresses of all nodes; undefined where there are none. The same object until one changes. */
  nodeAddresses(): NodeAddresses | undefined {
    return this.#nodeAddresses.get("");
  }

  /** The address by which this node reaches another, best of that family; undefined for this node itself. */
  readonly nodeAddress: NodeLookup["nodeAddress"] = (node, family) => this.#nodeAddress(`${family} ${node}`);

  /** Whether a node is another than the one that the dataplane is on. */
  readonly isOtherNode: NodeLookup["isOtherNode"] = (name) => this.#node !== undefined && name !== this.#node;

  /** The name of the node that has the address, a canonical text, for its own. */
  nodeOf(address: string): string | undefined {
    return this.#nodeOf(address);
  }

  /** The nodes' own addresses, canonical texts. */
  addressesOfNodes(): ReadonlySet<string> {
    return new Set(Object.keys(this.#ownersOfAddresses("")));
  }

  /** The ReferenceGrants in a namespace. */
  referenceGrants(namespace: string): readonly ReferenceGrant[] {
    return this.#grants.get(namespace);
  }
}

/** The addresses at which a node with Blixt is reached. */
function internalIps(node: Node | undefined): string[] {
  return node?.withoutBlixt === true ? [] : ipsOf(node, ["InternalIP"]);
}

/** The addresses of a node that are of one of the types of NodeAddress, canonical. */
function ipsOf(node: Node | undefined, types: readonly string[]): string[] {
  return (node?.status?.addresses ?? []).filter(({ type }) => types.includes(type))
    .flatMap(({ address }) => canonicalIp(address) ?? []);
}

function isWhole(kind: Kind, object: KubernetesObject): boolean {
  return !NEED_SPEC.has(kind) || typeof (object as { spec?: unknown }).spec === "object";
}

type ObjectMap = ReadonlyMap<ObjectKey, KubernetesObject>;

function differences(kind: Kind, before: ObjectMap, after: ObjectMap): Change[] {
  if (before === after) return [];
  const whole = (object: KubernetesObject | undefined): KubernetesObject | undefined =>
    object !== undefined && isWhole(kind, object) ? object : undefined;
  const changes: Change[] = [];
  for (const [key, object] of after) {
    const old = before.get(key);
    if (old !== object) changes.push({ kind, key, before: whole(old), after: whole(object) });
  }
  for (const [key, object] of before) {
    if (!after.has(key)) changes.push({ kind, key, before: whole(object), after: undefined });
  }
  return changes;
}
