// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** ParentReference: the Gateway or ListenerSet, or one listener of it, that a route attaches to. */
export interface ParentReference {
  /** gateway.networking.k8s.io when absent. */
  readonly group?: string;
  /** "Gateway" when absent. */
  readonly kind?: string;
  /** The route's own when absent. */
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}

/** BackendRef of a rule. */
export interface BackendReference {
  /** The core group, "", when absent. */
  readonly group?: string;
  /** "Service" when absent. */
  readonly kind?: string;
  /** The route's own when absent. */
  readonly namespace?: string;
  readonly name: string;
  /** A port of the Service, not of its pods. */
  readonly port?: number;
  /** 0 to 1,000,000; 1 when absent. */
  readonly weight?: number;
}

/** gateway.networking.k8s.io/v1 TCPRoute or UDPRoute: they have the same shape. */
export interface L4Route extends KubernetesObject {
  readonly spec: {
    readonly parentRefs?: readonly ParentReference[];
    readonly rules?: readonly { readonly backendRefs?: readonly BackendReference[] }[];
  };
  /** Only whose entries there are is read: those of Blixt are to go with their parents. */
  readonly status?: { readonly parents?: readonly { readonly controllerName: string }[] };
}
