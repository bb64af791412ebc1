// SPDX-License-Identifier: Apache-2.0

import { backendAddresses, type DualStack, HOST } from "./addresses.ts";
import type { Netns } from "./netns.ts";
import { type Backend, OUTWARD, type Topology } from "./topology.ts";
import { addressPod, defaultRoutes, upWith } from "./wiring.ts";

/** The second node's addresses on the client's network. */
export const SECOND_NODE: DualStack = { ipv4: "198.51.100.3", ipv6: "2001:db8:c::3" };

/** The bridge in the client that its own link and the second node's are ports of. */
const SWITCH = "switch0";

/**
 * Makes of a topology two nodes on one link with the client, and of its last backend a pod on the second. Its
 * eth0 leads to the client's network, as the first node's does.
 */
export async function addSecondNode(topology: Topology): Promise<Netns> {
  const { client, backends } = topology;
  await becomeSwitch(client);
  const node = await topology.addNetns("node2");
  await topology.connect(node, "port2", client);
  await client.ip([`link set port2 master ${SWITCH} up`]);
  await node.ip(upWith(OUTWARD, SECOND_NODE));

  const last = backends.at(-1)!;
  await topology.removeBackend(last);
  const number = backends.length + 1;
  const addresses = backendAddresses(number);
  const pod = await topology.addNetns(`b${number}`);
  const device = `veth${number}`;
  await topology.connect(pod, device, node);
  await addressPod(pod, [node, device], addresses);
  await node.ip(defaultRoutes(HOST));
  const backend: Backend = { name: `b${number}`, netns: pod, device, ...addresses };
  backends.push(backend);
  return node;
}

/** The client's eth0 becomes a port of a bridge that has its addresses. */
async function becomeSwitch(client: Netns): Promise<void> {
  const { stdout } = await client.run(["ip", "-json", "address", "show", "dev", "eth0"]);
  const [{ addr_info: found }] = JSON.parse(stdout) as [{ addr_info: AddressInfo[] }];
  const kept = found.filter(({ scope }) => scope === "global");
  await client.ip([
    `link add ${SWITCH} type bridge`,
    `link set ${SWITCH} up`,
    "address flush dev eth0",
    `link set eth0 master ${SWITCH}`,
    ...kept.map(({ local, prefixlen }) =>
      `address add ${local}/${prefixlen} dev ${SWITCH}${local.includes(":") ? " nodad" : ""}`
    ),
    `route replace default via ${HOST.ipv4} dev ${SWITCH}`,
    `route replace default via ${HOST.ipv6} dev ${SWITCH}`,
  ]);
}

/** One address as `ip -json address` has it. */
interface AddressInfo {
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
}
