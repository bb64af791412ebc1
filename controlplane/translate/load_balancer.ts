// SPDX-License-Identifier: Apache-2.0

// The Service of type LoadBalancer that stands for a Gateway, so that people,
// external-dns and whoever goes by Services find its addresses. No packet goes
// by it: it has no selector, and its addresses have ipMode Proxy, so that
// kube-proxy leaves them alone.

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import { type Gateway, GATEWAY_GROUP } from "../api/gateway.ts";
import type { OwnerReference } from "../api/object.ts";
import type { Service } from "../api/service.ts";
import { nameHash, shortName } from "../api/short_name.ts";
import { type ObjectKey, objectKey } from "../api/snapshot.ts";
import { compareText } from "./age.ts";
import type { Protocol } from "./desired.ts";
import type { ListenerOutcome } from "./listeners.ts";

/** Labels of what is generated for a Gateway (GEP-1762). */
export const GATEWAY_NAME_LABEL = `${GATEWAY_GROUP}/gateway-name`;
export const GATEWAY_CLASS_NAME_LABEL = `${GATEWAY_GROUP}/gateway-class-name`;

/** Characters that a label's value may have, and a Service's name (RFC 1035 label). */
const LABEL_LENGTH = 63;

const SUFFIX = "-blixt";

/** Annotation of the Service: the names of the labels and annotations that come from the Gateway, as JSON. */
export const INFRASTRUCTURE_ANNOTATION = "blixt.x-k8s.io/infrastructure";

/** A port of the Service. */
export interface LoadBalancerPort {
  /** "tcp-80": unique in the Service. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** The Service of one Gateway, as it should be. */
export interface DesiredLoadBalancer {
  readonly key: ObjectKey;
  readonly owner: OwnerReference;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** By port, then protocol; never empty. */
  readonly ports: readonly LoadBalancerPort[];
  /** In the Gateway's order; empty while none is assigned. */
  readonly addresses: readonly string[];
}

/**
 * Name of a Gateway's Service: the Gateway's with "-blixt", for a Service of
 * just the Gateway's name is often there already. What is too long for a
 * Service, or has characters that only a Gateway may have, is told apart by a hash.
 */
export function loadBalancerName(gateway: string): string {
  const full = `${gateway}${SUFFIX}`;
  if (full.length <= LABEL_LENGTH && /^[a-z][-a-z0-9]*$/.test(full)) return full;
  const plain = gateway.replaceAll(".", "-").replace(/^(?=[0-9])/, "gateway-");
  const end = `-${nameHash(gateway)}${SUFFIX}`;
  return plain.slice(0, LABEL_LENGTH - end.length).replace(/-+$/, "") + end;
}

/** The Service of a Gateway; undefined when it has no listener to show, or no uid for the Service to go with. */
export function loadBalancer(
  gateway: Gateway,
  listeners: readonly ListenerOutcome[],
  addresses: readonly string[],
): DesiredLoadBalancer | undefined {
  const { name, namespace, uid } = gateway.metadata;
  const ports = portsOf(listeners);
  if (uid === undefined || ports.length === 0) return undefined;
  const { labels, annotations } = gateway.spec.infrastructure ?? {};
  return {
    key: `${namespace}/${loadBalancerName(name)}`,
    owner: { apiVersion: `${GATEWAY_GROUP}/v1`, kind: "Gateway", name, uid, controller: true },
    labels: {
      ...labels,
      [GATEWAY_NAME_LABEL]: shortName(name, LABEL_LENGTH),
      [GATEWAY_CLASS_NAME_LABEL]: shortName(gateway.spec.gatewayClassName, LABEL_LENGTH),
    },
    annotations: { ...annotations },
    ports,
    addresses,
  };
}

/** The ports of the accepted listeners, each once. */
function portsOf(listeners: readonly ListenerOutcome[]): LoadBalancerPort[] {
  const ports = new Map<string, LoadBalancerPort>();
  for (const { accepted, model: { listener: { port }, protocol } } of listeners) {
    if (accepted.status !== "True" || protocol === undefined) continue;
    const name = `${protocol.toLowerCase()}-${port}`;
    ports.set(name, { name, protocol, port });
  }
  return [...ports.values()].sort((a, b) => a.port - b.port || compareText(a.protocol, b.protocol));
}

/** The Gateway that a Service stands for; undefined when it cannot stand for any, as Blixt's own do not after some edits. */
export function generatedFor(service: Service): OwnerReference | undefined {
  const { type, loadBalancerClass } = service.spec ?? {};
  if (type !== "LoadBalancer" || loadBalancerClass !== CONTROLLER_NAME) return undefined;
  return service.metadata.ownerReferences?.find(isGateway);
}

/**
 * Whether Blixt has made the Service, which then had three marks: class, owner and
 * annotation. Somebody's edit may have taken one of them away, and is to be undone.
 */
export function isGenerated(service: Service): boolean {
  const { annotations = {}, ownerReferences = [] } = service.metadata;
  const marks = [
    service.spec?.loadBalancerClass === CONTROLLER_NAME,
    ownerReferences.some(isGateway),
    annotations[INFRASTRUCTURE_ANNOTATION] !== undefined,
  ];
  return marks.filter((mark) => mark).length >= 2;
}

function isGateway({ apiVersion, kind, controller }: OwnerReference): boolean {
  return controller === true && kind === "Gateway" && apiVersion.startsWith(`${GATEWAY_GROUP}/`);
}

/** Why a Gateway gets no Service, in a sentence: another has its name. */
export function nameTaken(gateway: Gateway, present: Service | undefined): string | undefined {
  if (present === undefined || isGenerated(present)) return undefined;
  return `Service ${
    objectKey(present)
  } is not Blixt's, so Gateway ${gateway.metadata.name} gets none of its own; rename or delete that one.`;
}
