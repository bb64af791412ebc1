// SPDX-License-Identifier: Apache-2.0

// What objects of many kinds have in common.

import { anything, integer, list, map, object, oneOf, required, type Schema, string } from "./schema.ts";

/** Pattern of a DNS label (RFC 1123). */
export const DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/** A DNS label (RFC 1123). */
export const label = string({
  minimum: 1,
  maximum: 63,
  pattern: new RegExp(`^${DNS_LABEL}$`),
  words: "lower-case letters, digits and hyphens (a DNS label)",
});

/** A DNS name (RFC 1123). */
export const subdomain = string({
  minimum: 1,
  maximum: 253,
  pattern: new RegExp(`^${DNS_LABEL}(\\.${DNS_LABEL})*$`),
  words: "lower-case letters, digits, hyphens and dots (a DNS name)",
});

/** metadata.name, and what refers to one. */
export const name = string({ minimum: 1, maximum: 253 });

/** An API group. */
export const group = string({
  maximum: 253,
  pattern: new RegExp(`^$|^${DNS_LABEL}(\\.${DNS_LABEL})*$`),
  words: "an API group such as gateway.networking.k8s.io, or empty for core kinds",
});

/** A kind. */
export const kind = string({
  minimum: 1,
  maximum: 63,
  pattern: /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/,
  words: "a kind such as Service",
});

/** A port number. */
export const port = integer(1, 65535);

/** Labels and annotations. */
export const strings = map(string());

/** LabelSelector. */
export const selector = object({
  matchLabels: strings,
  matchExpressions: list(object({
    key: required(string()),
    operator: required(oneOf("In", "NotIn", "Exists", "DoesNotExist")),
    values: list(string()),
  })),
});

const metadata = object({
  name: required(subdomain),
  namespace: label,
  labels: strings,
  annotations: strings,
  uid: string(),
  resourceVersion: string(),
  generation: integer(0, Number.MAX_SAFE_INTEGER),
  creationTimestamp: string({
    pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
    words: "an RFC 3339 time such as 2026-01-31T12:00:00Z",
  }),
  deletionTimestamp: anything,
  deletionGracePeriodSeconds: anything,
  finalizers: anything,
  generateName: anything,
  managedFields: anything,
  ownerReferences: anything,
  selfLink: anything,
});

/** A whole object: its type, metadata, the given fields, and a status that Blixt ignores in manifests. */
export function resource(fields: Readonly<Record<string, Schema>>): Schema {
  return object({
    apiVersion: required(string()),
    kind: required(string()),
    metadata: required(metadata),
    status: anything,
    ...fields,
  });
}
