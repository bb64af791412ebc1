// SPDX-License-Identifier: Apache-2.0

import type { LabelSelector } from "./label_selector.ts";
import type { KubernetesObject } from "./object.ts";

/** The API group of Gateway API objects. */
export const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** RouteGroupKind: a kind of route that a listener takes. */
export interface RouteGroupKind {
  /** gateway.networking.k8s.io when absent. */
  readonly group?: string;
  readonly kind: string;
}

/** RouteNamespaces and ListenerNamespaces: whose objects may attach. */
export interface FromNamespaces {
  /** "All", "Same", "Selector", and for ListenerSets "None". */
  readonly from?: string;
  readonly selector?: LabelSelector;
}

/** AllowedRoutes of a listener. */
export interface AllowedRoutes {
  /** from: Same when absent. */
  readonly namespaces?: FromNamespaces;
  /** Every kind that the protocol supports when absent or empty. */
  readonly kinds?: readonly RouteGroupKind[];
}

/** Listener of a Gateway, and ListenerEntry of a ListenerSet. */
export interface Listener {
  readonly name: string;
  readonly port: number;
  /** "TCP", "UDP", and what other implementations serve: "HTTP", "HTTPS", "TLS", … */
  readonly protocol: string;
  readonly hostname?: string;
  readonly tls?: unknown;
  readonly allowedRoutes?: AllowedRoutes;
}

/** GatewaySpecAddress and GatewayStatusAddress. */
export interface GatewayAddress {
  /** "IPAddress" when absent. */
  readonly type?: string;
  readonly value?: string;
}

/** gateway.networking.k8s.io/v1 Gateway, as far as Blixt reads it. */
export interface Gateway extends KubernetesObject {
  readonly spec: {
    readonly gatewayClassName: string;
    readonly listeners: readonly Listener[];
    readonly addresses?: readonly GatewayAddress[];
    readonly allowedListeners?: { readonly namespaces?: FromNamespaces };
    readonly infrastructure?: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly parametersRef?: { readonly group: string; readonly kind: string; readonly name: string };
    };
  };
  /** Only the addresses are read: an assignment, once written, is kept. */
  readonly status?: { readonly addresses?: readonly GatewayAddress[] };
}
