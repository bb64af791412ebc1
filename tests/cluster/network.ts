// SPDX-License-Identifier: Apache-2.0

import { type DualStack, FAMILIES } from "../netns/addresses.ts";
import { Netns } from "../netns/netns.ts";
import { runCommand } from "../netns/run_command.ts";
import {
  API_SERVICE,
  type ClusterNode,
  type Host,
  type Layout,
  NETWORK_PREFIX,
  SERVICE_NETWORKS,
} from "./layout.ts";

const BRIDGE = "br0";

/** All network namespaces of a cluster. */
export function hostsOf(layout: Layout): Host[] {
  return [layout.fabric, ...layout.nodes, layout.client];
}

/** Builds a cluster's network: a bridge in the fabric, to which the nodes and the client are plugged. */
export async function buildNetwork(layout: Layout): Promise<void> {
  const { fabric, nodes, client } = layout;
  const bridge = await createNetns(fabric);
  await bridge.sysctl({ "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 });
  await bridge.ip([`link add ${BRIDGE} type bridge`, ...upWith(BRIDGE, fabric)]);
  for (const host of [...nodes, client]) await plug(host, fabric, bridge);
  // A client that is no node reaches pods and Services through the nodes, as behind a router.
  await bridge.ip([...podRoutes(nodes), ...serviceRoutes(nodes)]);
  // The API's Service address works without kube-proxy too.
  await bridge.ip([`address add ${API_SERVICE}/32 dev lo`]);
  for (const node of nodes) {
    await Netns.at(node.netns).ip([
      ...podRoutes(nodes.filter((other) => other !== node)),
      `route add ${API_SERVICE}/32 via ${fabric.ipv4}`,
    ]);
  }
}

/** Removes a cluster's network namespaces with everything that runs in them. */
export async function removeNetwork(layout: Layout): Promise<void> {
  for (const { netns } of hostsOf(layout)) await Netns.at(netns).destroy();
}

async function createNetns(host: Host): Promise<Netns> {
  const netns = await Netns.create(host.netns);
  // Duplicate address detection would keep IPv6 addresses unusable for a second.
  await netns.sysctl({ "net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0 });
  return netns;
}

async function plug(host: Host, fabric: Host, bridge: Netns): Promise<void> {
  const netns = await createNetns(host);
  const port = `to-${host.name}`;
  await runCommand(
    [
      "ip",
      "link",
      "add",
      "eth0",
      "netns",
      host.netns,
      "type",
      "veth",
      "peer",
      "name",
      port,
      "netns",
      fabric.netns,
    ],
  );
  await bridge.ip([`link set ${port} master ${BRIDGE} up`]);
  await netns.ip([
    ...upWith("eth0", host),
    ...FAMILIES.map((family) => `route add default via ${fabric[family]}`),
  ]);
}

function upWith(device: string, host: DualStack): string[] {
  return [
    ...FAMILIES.map((family) => `address add ${host[family]}/${NETWORK_PREFIX[family]} dev ${device}`),
    `link set ${device} up`,
  ];
}

function podRoutes(nodes: readonly ClusterNode[]): string[] {
  return nodes.flatMap((node) =>
    FAMILIES.map((family) => `route add ${node.podNetwork[family]} via ${node[family]}`)
  );
}

function serviceRoutes([first]: readonly ClusterNode[]): string[] {
  if (first === undefined) return [];
  return FAMILIES.map((family) => `route add ${SERVICE_NETWORKS[family]} via ${first[family]}`);
}
