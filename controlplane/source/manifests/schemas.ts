// SPDX-License-Identifier: Apache-2.0

// The shape of every kind that Blixt reads, after the CRDs of Gateway API
// v1.6 (config/crd/standard) and the Kubernetes 1.36 API for core kinds.
// A reason here is what a user reads after file, line, object and field.

import { GATEWAY_GROUP } from "../../api/gateway.ts";
import { type Kind, KINDS } from "../../api/snapshot.ts";
import { endpointSlice, nodeStatus, service } from "./core_schemas.ts";
import {
  anything,
  defaulted,
  type Fields,
  integer,
  list,
  object,
  oneOf,
  type Path,
  type Report,
  required,
  type Schema,
  string,
} from "./schema.ts";
import {
  DNS_LABEL,
  group,
  kind,
  label,
  name,
  port,
  resource,
  selector,
  strings,
  subdomain,
} from "./schema_fields.ts";

const parametersRef = object({
  group: required(group),
  kind: required(kind),
  name: required(name),
  namespace: label,
});

function namespaceSelection(defaultFrom: string, ...allowed: readonly string[]): Schema {
  return defaulted(
    object({ from: defaulted(oneOf(...allowed), defaultFrom), selector }, requireSelector),
    { from: defaultFrom },
  );
}

function requireSelector(value: Fields, path: Path, report: Report): void {
  if (value["from"] === "Selector" && value["selector"] === undefined) {
    report.error([...path, "selector"], "is missing, must be set when from is Selector");
  }
}

const listener = object({
  name: required(subdomain),
  port: required(port),
  protocol: required(string({ minimum: 1, maximum: 255 })),
  hostname: string({ minimum: 1, maximum: 253 }),
  tls: anything,
  allowedRoutes: defaulted(
    object({
      namespaces: namespaceSelection("Same", "All", "Selector", "Same"),
      kinds: list(object({ group: defaulted(group, GATEWAY_GROUP), kind: required(kind) }), { maximum: 8 }),
    }),
    { namespaces: { from: "Same" } },
  ),
});

const listeners = list(listener, { minimum: 1, maximum: 64, rule: distinctListeners });

/** The CEL rules of spec.listeners. */
function distinctListeners(all: readonly Fields[], path: Path, report: Report): void {
  const names = new Map<unknown, number>();
  const places = new Map<string, number>();
  all.forEach(({ name, port, protocol, hostname, tls }, index) => {
    const at = [...path, index];
    const transport = protocol === "TCP" || protocol === "UDP";
    if (transport && tls !== undefined) {
      report.error([...at, "tls"], `must not be set for protocol ${protocol}`);
    }
    if (transport && hostname !== undefined) {
      report.error([...at, "hostname"], `must not be set for protocol ${protocol}`);
    }
    const place = JSON.stringify([port, protocol, hostname ?? ""]);
    const sameName = names.get(name);
    const samePlace = places.get(place);
    if (name !== undefined && sameName !== undefined) {
      report.error([...at, "name"], `is "${name}" like listener ${sameName}; names must differ`);
    }
    if (port !== undefined && samePlace !== undefined) {
      report.error(
        [...at, "port"],
        `${port} with ${protocol} is used by listener ${samePlace} too; one of them must go`,
      );
    }
    if (sameName === undefined) names.set(name, index);
    if (samePlace === undefined) places.set(place, index);
  });
}

const parentRefFields = {
  group: defaulted(group, GATEWAY_GROUP),
  kind: defaulted(kind, "Gateway"),
  namespace: label,
  name: required(name),
};

const parentRefs = list(object({ ...parentRefFields, sectionName: subdomain, port }), {
  maximum: 32,
  rule: distinctParents,
});

/** The API asks for different sectionNames or ports where two parentRefs name one parent. */
function distinctParents(all: readonly Fields[], path: Path, report: Report): void {
  const seen = new Map<string, number>();
  all.forEach(({ group, kind, namespace, name, sectionName, port }, index) => {
    const place = JSON.stringify([group, kind, namespace ?? "", name, sectionName ?? "", port ?? 0]);
    const same = seen.get(place);
    if (same === undefined) seen.set(place, index);
    else {
      report.error(
        [...path, index],
        `names the same parent as parentRefs[${same}]; give each its own sectionName or port`,
      );
    }
  });
}

const backendRef = object({
  group: defaulted(group, ""),
  kind: defaulted(kind, "Service"),
  namespace: label,
  name: required(name),
  port,
  weight: defaulted(integer(0, 1_000_000), 1),
}, (value, path, report) => {
  if (value["group"] === "" && value["kind"] === "Service" && value["port"] === undefined) {
    report.error([...path, "port"], "is missing, a Service needs one");
  }
});

const route = resource({
  spec: required(object({
    parentRefs,
    useDefaultGateways: anything,
    rules: required(
      list(
        object({ name: subdomain, backendRefs: required(list(backendRef, { minimum: 1, maximum: 16 })) }),
        {
          minimum: 1,
          maximum: 1,
          tooMany: "split it into one route for each rule",
        },
      ),
    ),
  })),
});

const addressRanges = list(
  object(
    { cidr: string({ minimum: 1 }), start: string({ minimum: 1 }), end: string({ minimum: 1 }) },
    wholeRange,
  ),
);

function wholeRange({ cidr, start, end }: Fields, path: Path, report: Report): void {
  if (cidr === undefined && start === undefined) {
    report.error(path, "is empty, must have cidr, or start and end");
  } else if (cidr !== undefined && (start ?? end) !== undefined) {
    report.error(path, "has cidr together with start or end; keep one of the two ways");
  } else if (start !== undefined && end === undefined) {
    report.error([...path, "end"], "is missing, must be set with start");
  }
}

const grantReference = { group: required(group), kind: required(kind) };

/** The schema of each kind. */
export const SCHEMAS: Readonly<Record<Kind, Schema>> = {
  GatewayClass: resource({
    spec: required(object({
      controllerName: required(string({
        minimum: 1,
        maximum: 253,
        pattern: new RegExp(`^${DNS_LABEL}(\\.${DNS_LABEL})*/.+$`),
        words: "a domain and a path such as gateway.networking.k8s.io/blixt",
      })),
      description: string({ maximum: 64 }),
      parametersRef,
    })),
  }),
  Gateway: resource({
    spec: required(object({
      gatewayClassName: required(name),
      listeners: required(listeners),
      addresses: list(
        object({
          type: defaulted(string({ minimum: 1, maximum: 253 }), "IPAddress"),
          value: string({ maximum: 253 }),
        }),
        { maximum: 16 },
      ),
      allowedListeners: object({ namespaces: namespaceSelection("None", "All", "Selector", "Same", "None") }),
      infrastructure: object({
        labels: strings,
        annotations: strings,
        parametersRef: object({ group: required(group), kind: required(kind), name: required(name) }),
      }),
      defaultScope: anything,
      tls: anything,
    })),
  }),
  ListenerSet: resource({
    spec: required(object({ parentRef: required(object(parentRefFields)), listeners: required(listeners) })),
  }),
  TCPRoute: route,
  UDPRoute: route,
  ReferenceGrant: resource({
    spec: required(object({
      from: required(
        list(object({ ...grantReference, namespace: required(label) }), { minimum: 1, maximum: 16 }),
      ),
      to: required(list(object({ ...grantReference, name }), { minimum: 1, maximum: 16 })),
    })),
  }),
  Service: service,
  EndpointSlice: endpointSlice,
  Namespace: resource({ spec: anything }),
  Node: resource({ spec: anything, status: nodeStatus }),
  GatewayClassConfig: resource({
    spec: object({
      addressPools: addressRanges,
      staticAddresses: addressRanges,
      remoteBackends: oneOf("Direct", "SNAT"),
    }),
  }),
};

/** Older versions that have the same shape as the one Blixt reads, by kind. */
export const OLDER_VERSIONS: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  GatewayClass: [`${GATEWAY_GROUP}/v1beta1`],
  Gateway: [`${GATEWAY_GROUP}/v1beta1`],
  ReferenceGrant: [`${GATEWAY_GROUP}/v1beta1`, `${GATEWAY_GROUP}/v1alpha2`],
  TCPRoute: [`${GATEWAY_GROUP}/v1alpha2`],
  UDPRoute: [`${GATEWAY_GROUP}/v1alpha2`],
};

/** The kind of an apiVersion and kind that Blixt reads. */
export function readKind(apiVersion: string, kind: string): Kind | undefined {
  if (!Object.hasOwn(KINDS, kind)) return undefined;
  const known = kind as Kind;
  return KINDS[known].apiVersion === apiVersion || OLDER_VERSIONS[known]?.includes(apiVersion)
    ? known
    : undefined;
}
