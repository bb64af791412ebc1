// SPDX-License-Identifier: Apache-2.0

import type { RemoteBackends } from "../api/gateway_class_config.ts";

/** Transport protocols of layer-4 listeners. */
export type Protocol = "TCP" | "UDP";

/** One pod's (or host's) address and port behind a backendRef. */
export interface Endpoint {
  /** Canonical IPv4 or IPv6 text (RFC 5952). */
  readonly address: string;
  readonly port: number;
  /**
   * True for a terminating endpoint: flows it has go on, new flows go elsewhere,
   * unless all endpoints of the backendRef are draining (then they serve).
   */
  readonly draining: boolean;
  /**
   * Address of the node with Blixt that has it, of the same family where it has one;
   * absent when that is this node, is unknown, has no Blixt, or there are no nodes.
   */
  readonly node?: string;
  /** Another node has it, with Blixt or without; absent when that is not known, or there are no nodes. */
  readonly elsewhere?: boolean;
}

/** One backendRef with what it resolved to. */
export interface BackendGroup {
  /** For people: "Service default/echo:9000". */
  readonly name: string;
  /** 0 to 1,000,000: the backendRef's share among its siblings. */
  readonly weight: number;
  /** Empty when invalid or without ready endpoints: its share of new flows is refused. */
  readonly endpoints: readonly Endpoint[];
}

/** Traffic to one address, protocol and port, and where it goes. */
export interface DesiredService {
  /** Canonical IP text of the Gateway's address. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** For people: "Gateway default/web, listener tcp". */
  readonly listener: string;
  /** For people: "TCPRoute default/echo"; absent when no route is attached. */
  readonly route?: string;
  /** In order; empty or all weights 0: every flow is refused. */
  readonly groups: readonly BackendGroup[];
  /** sessionAffinity ClientIP's timeout in seconds; 0 for none. */
  readonly affinitySeconds: number;
  /** How endpoints on other nodes are reached; Direct when absent. */
  readonly remoteBackends?: RemoteBackends;
}

/** Addresses at which nodes reach each other; canonical and sorted. */
export interface NodeAddresses {
  /** This node's. */
  readonly own: readonly string[];
  /** Those of all other nodes with Blixt. */
  readonly others: readonly string[];
}

/** Everything the kernel should do: sorted by address, port and protocol. */
export interface DesiredDataplane {
  readonly services: readonly DesiredService[];
  /** Absent where there are no nodes. */
  readonly nodes?: NodeAddresses;
  /**
   * The addresses of the services that this host announces on its networks;
   * "unchanged" while it is not known which: then those it announces already.
   * All when absent, as on a host that is alone.
   */
  readonly announced?: readonly string[] | "unchanged";
}
