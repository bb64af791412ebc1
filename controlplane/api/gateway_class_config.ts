// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** A range of IP addresses: either a CIDR block, every address of it, or a first and a last address. */
export interface AddressRange {
  /** "192.0.2.0/27" or "2001:db8::/120". */
  readonly cidr?: string;
  /** First address; needs end. */
  readonly start?: string;
  /** Last address, of the same family as start. */
  readonly end?: string;
}

/**
 * How backends on other nodes are reached: with the client's address, answered by
 * their own node; or with an address of this node in its place, by which replies
 * come back here.
 */
export type RemoteBackends = "Direct" | "SNAT";

/**
 * blixt.x-k8s.io/v1alpha1 GatewayClassConfig: what a GatewayClass's
 * parametersRef names. Cluster-scoped.
 */
export interface GatewayClassConfig extends KubernetesObject {
  readonly spec?: {
    /** Where the addresses of Gateways that ask for none come from; none when absent. */
    readonly addressPools?: readonly AddressRange[];
    /** The addresses that a Gateway may name in spec.addresses; any when absent. */
    readonly staticAddresses?: readonly AddressRange[];
    /** How backends on other nodes are reached; Direct when absent. */
    readonly remoteBackends?: RemoteBackends;
  };
}
