// SPDX-License-Identifier: Apache-2.0

import type { RemoteBackends } from "../api/gateway_class_config.ts";
import { familyOf } from "../api/ip.ts";
import type { Endpoint } from "../translate/desired.ts";
import { BACKEND_ALIVE, BACKEND_LOCAL, BACKEND_REMOTE, BACKEND_SNAT, BACKEND_TUNNEL } from "./layout.ts";
import type { BackendValue } from "./operation.ts";
import type { Hop, Routes } from "./routes.ts";

/** What of a backend says where packets go. */
export type Way = Pick<BackendValue, "ifindex" | "gateway" | "source" | "flags">;

/**
 * The way to an endpoint. Up the host's own stack where the host has its address. With SNAT to an endpoint on another
 * node by what the routing table says of it, as if this host were the client: whether that node has Blixt does not
 * matter, so flows go on when it comes to have one. Else to its node, if that has Blixt: as the packet is where
 * that is on-link; inside another packet where it is behind a router, or its address of another family; and by what the
 * routing table says of the endpoint itself where there is no way to the node, or this node has no address by which that
 * would know it.
 *
 * @param own addresses by which other nodes know this one
 */
export function wayTo(
  { address, node, elsewhere }: Endpoint,
  routes: Routes,
  own: readonly string[],
  remoteBackends: RemoteBackends = "Direct",
): Way {
  const hop = routes.get(address);
  const routed = { ifindex: hop.ifindex, gateway: hop.gateway, source: "", flags: BACKEND_ALIVE };
  if (hop.local) return { ...routed, flags: BACKEND_ALIVE | BACKEND_LOCAL };
  if (elsewhere && remoteBackends === "SNAT") {
    const source = sourceTowards(address, hop, own);
    if (source !== undefined) return { ...routed, source, flags: BACKEND_ALIVE | BACKEND_SNAT };
  }
  if (node === undefined) return routed;
  const { ifindex, gateway } = routes.get(node);
  if (ifindex === 0) return routed;
  const flags = BACKEND_ALIVE | BACKEND_REMOTE;
  if (gateway === "" && familyOf(node) === familyOf(address)) {
    return { ifindex, gateway: node, source: "", flags };
  }
  const source = own.find((each) => familyOf(each) === familyOf(node));
  if (source === undefined) return routed;
  return { ifindex, gateway: node, source, flags: flags | BACKEND_TUNNEL };
}

/** IPv6 addresses that mean nothing beyond a link (RFC 4291, section 2.5.6). */
const LINK_LOCAL = /^fe[89ab]/;

/**
 * The host's address that answers from there find. The one that the host itself would send from, as networks between
 * pods may have addresses of their own at each node; where that is not known, one by which other nodes know this one.
 */
function sourceTowards(address: string, { source = "" }: Hop, own: readonly string[]): string | undefined {
  return [source, ...own].find((each) =>
    each !== "" && familyOf(each) === familyOf(address) && !LINK_LOCAL.test(each)
  );
}

/** Whether two ways are one. */
export function sameWay(a: Way, b: Way): boolean {
  return a.ifindex === b.ifindex && a.gateway === b.gateway && a.source === b.source && a.flags === b.flags;
}

/**
 * Whether flows go on when one way takes the place of another. The entries of those to another node, and of those that
 * have this node's address in the client's place, are others (BACKEND_REMOTE and BACKEND_SNAT in ebpf/src/layout.rs).
 */
export function keepsFlows(before: Way, after: Way): boolean {
  const kind = (way: Way): number => way.flags & (BACKEND_REMOTE | BACKEND_SNAT);
  return kind(before) === kind(after) && (kind(after) !== BACKEND_SNAT || before.source === after.source);
}
