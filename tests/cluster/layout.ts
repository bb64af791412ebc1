// SPDX-License-Identifier: Apache-2.0

import type { DualStack } from "../netns/addresses.ts";

/** A network namespace on the cluster's layer-2 network. */
export interface Host extends DualStack {
  /** Its name in Kubernetes, and the end of its network namespace's. */
  readonly name: string;
  /** Name under /run/netns. */
  readonly netns: string;
}

/** A node, with the network of its pods. */
export interface ClusterNode extends Host {
  readonly podNetwork: DualStack;
}

/** Names and addresses of a cluster. All of them are in network namespaces of its own, so clusters do not meet. */
export interface Layout {
  /** Has the bridge that joins all, and the control plane. */
  readonly fabric: Host;
  readonly nodes: readonly ClusterNode[];
  /** Outside the cluster, on the same layer-2 network. */
  readonly client: Host;
}

/** Prefix lengths of the layer-2 network. */
export const NETWORK_PREFIX: DualStack = { ipv4: "24", ipv6: "64" };

/** The networks of all pods. */
export const POD_NETWORKS: DualStack = { ipv4: "10.244.0.0/16", ipv6: "fd00:10:244::/48" };

/** The networks of Services' cluster addresses. */
export const SERVICE_NETWORKS: DualStack = { ipv4: "10.96.0.0/16", ipv6: "fd00:10:96::/112" };

/** Cluster address of the Service `kubernetes`: the first of its network. */
export const API_SERVICE = "10.96.0.1";

/** Most nodes a cluster may have: what two cores bear. */
export const MAX_NODES = 4;

/** Places a cluster; `name` tells it from others on the machine. */
export function layOutCluster(name: string, nodes: number): Layout {
  const host = (role: string, number: number): Host => ({
    name: role,
    netns: `bx-cluster-${name}-${role}`,
    ipv4: `10.99.0.${number}`,
    ipv6: `fd00:10:99::${number}`,
  });
  return {
    fabric: host("fabric", 1),
    nodes: Array.from({ length: nodes }, (_, index) => {
      const number = index + 1;
      const podNetwork = { ipv4: `10.244.${number}.0/24`, ipv6: `fd00:10:244:${number}::/64` };
      return { ...host(`n${number}`, 10 + number), podNetwork };
    }),
    client: host("client", 100),
  };
}
