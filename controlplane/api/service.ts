// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** ServicePort. Its target port is read from the EndpointSlices, where it is a number already. */
export interface ServicePort {
  /** Absent or empty when the Service has one port. */
  readonly name?: string;
  /** "TCP" when absent. */
  readonly protocol?: string;
  readonly port: number;
}

/** v1 Service, as far as Blixt reads it. */
export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string;
    readonly loadBalancerClass?: string;
    readonly allocateLoadBalancerNodePorts?: boolean;
    readonly ports?: readonly ServicePort[];
    /** "ClientIP" or "None". */
    readonly sessionAffinity?: string;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly ipMode?: string }[];
    };
  };
}
