// SPDX-License-Identifier: Apache-2.0

// The kinds of Kubernetes itself that need more than their names: see schemas.ts.

import {
  anything,
  boolean,
  defaulted,
  type Fields,
  integer,
  isFields,
  list,
  numberOr,
  object,
  oneOf,
  type Path,
  type Report,
  required,
  type Schema,
  string,
  wrongType,
} from "./schema.ts";
import { port, resource } from "./schema_fields.ts";

const protocol = defaulted(oneOf("TCP", "UDP", "SCTP"), "TCP");

/** Fields of a Service's spec that Blixt has no use for. */
const UNREAD_SERVICE_FIELDS = [
  "selector",
  "allocateLoadBalancerNodePorts",
  "externalIPs",
  "externalName",
  "externalTrafficPolicy",
  "healthCheckNodePort",
  "internalTrafficPolicy",
  "ipFamilies",
  "ipFamilyPolicy",
  "loadBalancerClass",
  "loadBalancerIP",
  "loadBalancerSourceRanges",
  "publishNotReadyAddresses",
  "trafficDistribution",
];

/** v1 Service. */
export const service = resource({
  spec: required(object({
    type: defaulted(oneOf("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"), "ClusterIP"),
    clusterIP: string(),
    clusterIPs: list(string()),
    ports: list(
      object({
        name: string(),
        protocol,
        port: required(port),
        targetPort: numberOr(port, string({ minimum: 1, maximum: 15 })),
        nodePort: anything,
        appProtocol: string(),
      }),
      { rule: distinctServicePorts },
    ),
    sessionAffinity: defaulted(oneOf("None", "ClientIP"), "None"),
    sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: integer(1, 86_400) }) }),
    ...Object.fromEntries(UNREAD_SERVICE_FIELDS.map((field) => [field, anything])),
  })),
});

function distinctServicePorts(all: readonly Fields[], path: Path, report: Report): void {
  const seen = new Map<string, number>();
  all.forEach(({ name, port, protocol }, index) => {
    if (all.length > 1 && name === undefined) {
      report.error([...path, index, "name"], "is missing, must be set when a Service has more than one port");
    }
    const place = `${port}/${protocol}`;
    const same = seen.get(place);
    if (same === undefined) seen.set(place, index);
    else report.error([...path, index, "port"], `${place} is used by ports[${same}] too`);
  });
}

/** discovery.k8s.io/v1 EndpointSlice. */
export const endpointSlice = resource({
  addressType: required(oneOf("IPv4", "IPv6", "FQDN")),
  endpoints: defaulted(
    list(object({
      addresses: required(list(string({ minimum: 1 }), { minimum: 1, maximum: 100 })),
      conditions: object({ ready: boolean, serving: boolean, terminating: boolean }),
      hostname: anything,
      nodeName: string(),
      zone: anything,
      hints: anything,
      targetRef: anything,
      deprecatedTopology: anything,
    })),
    [],
  ),
  ports: list(object({ name: defaulted(string(), ""), protocol, port, appProtocol: string() })),
});

/** The status of a v1 Node. */
export const nodeStatus: Schema = {
  // Of all that a Node's status says, Blixt reads where it is.
  parse(value, path, report): unknown {
    if (!isFields(value)) return wrongType(value, "an object", path, report);
    const { addresses } = value;
    return addresses === undefined
      ? {}
      : { addresses: nodeAddresses.parse(addresses, [...path, "addresses"], report) };
  },
};

const nodeAddresses = list(object({ type: required(string()), address: required(string({ minimum: 1 })) }));
