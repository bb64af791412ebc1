// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** The label that names the Service of an EndpointSlice, in the same namespace. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** EndpointPort. */
export interface EndpointPort {
  /** The name of the ServicePort; absent or empty for an unnamed one. */
  readonly name?: string | null;
  /** "TCP" when absent. */
  readonly protocol?: string | null;
  readonly port?: number | null;
}

/** Endpoint of an EndpointSlice. */
export interface SliceEndpoint {
  /** All reach the same endpoint; the API lets consumers use the first alone. */
  readonly addresses?: readonly string[];
  readonly conditions?: {
    /** Absent means ready. */
    readonly ready?: boolean | null;
    /** Absent means the same as ready. */
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  };
  /** The node that has it. */
  readonly nodeName?: string | null;
}

/** discovery.k8s.io/v1 EndpointSlice, as far as Blixt reads it. */
export interface EndpointSlice extends KubernetesObject {
  /** "IPv4", "IPv6" or "FQDN". */
  readonly addressType: string;
  readonly endpoints?: readonly SliceEndpoint[] | null;
  readonly ports?: readonly EndpointPort[] | null;
}
