// SPDX-License-Identifier: Apache-2.0

// What to write to make a Service the one that a Gateway should have. Labels
// and annotations of others stay; those of the Gateway's infrastructure that
// it no longer has go, which is why the Service itself tells their names.

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import type { Service } from "../api/service.ts";
import { equal } from "../equal.ts";
import { type DesiredLoadBalancer, INFRASTRUCTURE_ANNOTATION } from "../translate/load_balancer.ts";

type Texts = Readonly<Record<string, string>>;

interface Infrastructure {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

/** The annotation that tells what comes from the Gateway. */
function infrastructureOf({ labels, annotations }: DesiredLoadBalancer): string {
  return JSON.stringify({ labels: Object.keys(labels).sort(), annotations: Object.keys(annotations).sort() });
}

/** The Service to create. */
export function newService(desired: DesiredLoadBalancer): Service {
  const { key, owner, labels, annotations, ports } = desired;
  const slash = key.indexOf("/");
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: key.slice(slash + 1),
      namespace: key.slice(0, slash),
      ownerReferences: [owner],
      labels,
      annotations: { ...annotations, [INFRASTRUCTURE_ANNOTATION]: infrastructureOf(desired) },
    },
    spec: {
      type: "LoadBalancer",
      loadBalancerClass: CONTROLLER_NAME,
      // The addresses are taken in the kernel; ports of nodes would only use up their range.
      allocateLoadBalancerNodePorts: false,
      ports,
    },
  };
}

/** The merge patch of a Service that differs, guarded by resourceVersion; undefined when it does not. */
export function servicePatch(present: Service, desired: DesiredLoadBalancer): object | undefined {
  const { labels = {}, annotations = {}, resourceVersion } = present.metadata;
  const before = readInfrastructure(annotations);
  const wanted = { ...desired.annotations, [INFRASTRUCTURE_ANNOTATION]: infrastructureOf(desired) };
  const metadata = {
    ...field("labels", changes(labels, desired.labels, before.labels)),
    ...field("annotations", changes(annotations, wanted, before.annotations)),
  };
  const ports = (present.spec?.ports ?? []).map(({ name, protocol, port }) => ({ name, protocol, port }));
  const spec = equal(ports, desired.ports) ? {} : { spec: { ports: desired.ports } };
  if (Object.keys(metadata).length + Object.keys(spec).length === 0) return undefined;
  return { metadata: { resourceVersion, ...metadata }, ...spec };
}

/** The merge patch of a status that differs, guarded by resourceVersion; undefined when it does not. */
export function statusPatchOf(present: Service, desired: DesiredLoadBalancer): object | undefined {
  // With ipMode Proxy kube-proxy does not bind the address to the node (KEP-1860).
  const ingress = desired.addresses.map((ip) => ({ ip, ipMode: "Proxy" }));
  if (equal(present.status?.loadBalancer?.ingress ?? [], ingress)) return undefined;
  const { resourceVersion } = present.metadata;
  return { metadata: { resourceVersion }, status: { loadBalancer: { ingress } } };
}

/** What differs, null for what goes; undefined when nothing does. */
function changes(
  present: Texts,
  wanted: Texts,
  before: readonly string[],
): Readonly<Record<string, string | null>> | undefined {
  const set = Object.entries(wanted).filter(([name, value]) => present[name] !== value);
  const gone = before.filter((name) => !Object.hasOwn(wanted, name) && Object.hasOwn(present, name));
  if (set.length + gone.length === 0) return undefined;
  return Object.fromEntries([...set, ...gone.map((name) => [name, null])]);
}

function field(name: string, value: object | undefined): object {
  return value === undefined ? {} : { [name]: value };
}

/** What a Service tells of its Gateway's infrastructure; nothing when somebody has spoilt it. */
function readInfrastructure(annotations: Texts): Infrastructure {
  const nothing = { labels: [], annotations: [] };
  try {
    const value = JSON.parse(annotations[INFRASTRUCTURE_ANNOTATION] ?? "{}") as Partial<Infrastructure>;
    const lists = { ...nothing, ...value };
    return Array.isArray(lists.labels) && Array.isArray(lists.annotations) ? lists : nothing;
  } catch {
    return nothing;
  }
}
