// SPDX-License-Identifier: Apache-2.0

import type { EndpointSlice } from "../api/endpoint_slice.ts";
import type { BackendReference, L4Route } from "../api/l4_route.ts";
import { GATEWAY_GROUP } from "../api/gateway.ts";
import type { ReferenceGrant } from "../api/reference_grant.ts";
import type { Service, ServicePort } from "../api/service.ts";
import { no, type Verdict } from "./conditions.ts";
import type { Protocol } from "./desired.ts";
import { type EndpointsByFamily, endpointsOf, NO_ENDPOINTS, type NodeLookup } from "./endpoints.ts";
import { isGranted } from "./reference_grant.ts";

/** What resolving backendRefs reads. */
export interface BackendSource extends NodeLookup {
  service(namespace: string, name: string): Service | undefined;
  endpointSlices(namespace: string, serviceName: string): readonly EndpointSlice[];
  /** The ReferenceGrants in a namespace. */
  referenceGrants(namespace: string): readonly ReferenceGrant[];
}

/** A backendRef, resolved. */
export interface Backend {
  /** For people: "Service default/echo:9000". */
  readonly name: string;
  readonly weight: number;
  readonly endpoints: EndpointsByFamily;
  /** Seconds that a client's address stays with its endpoint; 0 for none. */
  readonly affinitySeconds: number;
  /** Why the reference does not resolve; its share of the flows is refused. */
  readonly problem?: Verdict;
}

/** The default of ClientIPConfig.timeoutSeconds: three hours. */
const DEFAULT_AFFINITY_SECONDS = 10_800;

function affinitySeconds(service: Service): number {
  if (service.spec?.sessionAffinity !== "ClientIP") return 0;
  return service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
}

/** The Service's port, or why the backendRef has none (BackendObjectReference.port; reason UnsupportedProtocol). */
function findPort(
  service: Service,
  name: string,
  ref: BackendReference,
  protocol: Protocol,
): ServicePort | Verdict {
  const ports = (service.spec?.ports ?? []).filter(({ port }) => port === ref.port);
  const match = ports.find((port) => (port.protocol ?? "TCP") === protocol);
  if (match !== undefined) return match;
  if (ref.port === undefined) {
    return no("BackendNotFound", `The backendRef to ${name} has no port; name one of the Service's ports.`);
  }
  if (ports.length === 0) {
    return no("BackendNotFound", `${name} does not exist: the Service has no port ${ref.port}.`);
  }
  return no(
    "UnsupportedProtocol",
    `${name} is not a ${protocol} port; add one to the Service or name another.`,
  );
}

/**
 * Resolves a backendRef of a route. The checks stand in the order that gives
 * nothing away about objects the route may not refer to: kind, grant, existence, port.
 */
export function resolveBackendRef(
  route: L4Route,
  ref: BackendReference,
  protocol: Protocol,
  source: BackendSource,
): Backend {
  const group = ref.group ?? "";
  const kind = ref.kind ?? "Service";
  const own = route.metadata.namespace ?? "";
  const namespace = ref.namespace ?? own;
  const name = `${kind} ${namespace}/${ref.name}${ref.port === undefined ? "" : `:${ref.port}`}`;
  const weight = ref.weight ?? 1;
  const unresolved = (problem: Verdict): Backend => ({
    name,
    weight,
    endpoints: NO_ENDPOINTS,
    affinitySeconds: 0,
    problem,
  });

  if (group !== "" || kind !== "Service") {
    const gone = `${kind}${group === "" ? "" : `.${group}`}`;
    return unresolved(no("InvalidKind", `A backendRef can name a Service, not a ${gone}.`));
  }
  if (namespace !== own) {
    const from = { group: GATEWAY_GROUP, kind: route.kind, namespace: own };
    if (!isGranted(source.referenceGrants(namespace), from, { group, kind, name: ref.name })) {
      return unresolved(no(
        "RefNotPermitted",
        `No ReferenceGrant in namespace ${namespace} lets a ${route.kind} of namespace ${own} refer to Service ${ref.name}.`,
      ));
    }
  }
  const service = source.service(namespace, ref.name);
  if (service === undefined) {
    return unresolved(no("BackendNotFound", `Service ${namespace}/${ref.name} does not exist.`));
  }
  if (service.spec?.type === "ExternalName") {
    return unresolved(no(
      "InvalidKind",
      `Service ${namespace}/${ref.name} is of type ExternalName, which Blixt does not forward to; use one with endpoints.`,
    ));
  }
  const port = findPort(service, name, ref, protocol);
  if ("status" in port) return unresolved(port);
  return {
    name,
    weight,
    endpoints: endpointsOf(source.endpointSlices(namespace, ref.name), port, source),
    affinitySeconds: affinitySeconds(service),
  };
}
