// SPDX-License-Identifier: Apache-2.0

import { CLIENT, type DualStack, HOST, POD_GATEWAY } from "./addresses.ts";
import type { Netns } from "./netns.ts";
import { OUTWARD, type Topology } from "./topology.ts";
import { defaultRoutes, upWith } from "./wiring.ts";

/** A router on the way to the host, and how much a packet may have on it. */
export interface RouterOptions {
  /** Between the client and the host, or between the host and the first backend. */
  readonly side: "client" | "pod";
  /** Largest packet in bytes, in both directions. The interfaces know nothing of it, and so neither do the two ends. */
  readonly mtu: number;
  /** Whether it keeps to itself that a packet was too large: a path MTU black hole (RFC 2923, section 2.1). */
  readonly silent: boolean;
}

/** The network between the router and the host: 203.0.113.0/24 of RFC 5737. */
const ROUTER: DualStack = { ipv4: "203.0.113.2", ipv6: "2001:db8:e::2" };
/** The host's addresses behind a router on the client's side, or before one on the pod's. */
export const BEHIND: DualStack = { ipv4: "203.0.113.1", ipv6: "2001:db8:e::1" };

/** The router's own messages about packets that are too large, and no others. */
const SILENCE = `table inet silence {
  chain output {
    type filter hook output priority filter
    icmp type destination-unreachable icmp code frag-needed drop
    icmpv6 type packet-too-big drop
  }
}
`;

/** Puts a router into a topology in which nothing runs yet. The client or the pod keeps its addresses and next hop. */
export async function insertRouter(topology: Topology, { side, mtu, silent }: RouterOptions): Promise<Netns> {
  const { client, host, backends } = topology;
  const [end, device, next, far] = side === "client"
    ? [client, OUTWARD, HOST, CLIENT] as const
    : [backends[0]!.netns, backends[0]!.device, POD_GATEWAY, backends[0]!] as const;
  const router = await topology.addNetns("router");
  await router.sysctl({ "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 });
  await host.ip([`link delete ${device}`]);
  await topology.connect(end, "near", router);
  await topology.connect(router, device);
  await end.ip([
    ...upWith("eth0", far, "/32", "/128"),
    `route add ${next.ipv4} dev eth0`,
    `route add ${next.ipv6} dev eth0`,
    ...defaultRoutes(next),
  ]);
  // What a route locks is what the router goes by, whatever the interfaces could take.
  await router.ip([
    ...upWith("near", next, "/32", "/128"),
    ...upWith("eth0", ROUTER, "/32", "/128"),
    `route add ${BEHIND.ipv4} dev eth0`,
    `route add ${BEHIND.ipv6} dev eth0`,
    `route add ${far.ipv4} dev near mtu lock ${mtu}`,
    `route add ${far.ipv6} dev near mtu lock ${mtu}`,
    `route add default via ${BEHIND.ipv4} mtu lock ${mtu}`,
    `route add default via ${BEHIND.ipv6} mtu lock ${mtu}`,
  ]);
  await host.ip([
    ...upWith(device, BEHIND, "/32", "/128"),
    `route add ${ROUTER.ipv4} dev ${device}`,
    `route add ${ROUTER.ipv6} dev ${device}`,
    ...(side === "client" ? defaultRoutes(ROUTER) : [
      `route add ${far.ipv4} via ${ROUTER.ipv4}`,
      `route add ${far.ipv6} via ${ROUTER.ipv6}`,
    ]),
  ]);
  if (silent) await router.run(["nft", "-f", "-"], { input: SILENCE });
  return router;
}
