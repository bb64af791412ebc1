// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { BACKEND_ALIVE, BACKEND_LOCAL, BACKEND_REMOTE, BACKEND_SNAT, BACKEND_TUNNEL } from "./layout.ts";
import type { Hop, Routes } from "./routes.ts";
import { keepsFlows, type Way, wayTo } from "./way.ts";

const OWN = ["10.9.0.1", "fd00:9::1"];
const SNAT = BACKEND_ALIVE | BACKEND_SNAT;

const NODE = "10.9.0.2";

/** The way with SNAT to an endpoint on another node, which is on-link, where the routing table has that hop. */
function snatTo(
  address: string,
  hop: Hop,
  own: readonly string[] = OWN,
  node: { node?: string } = { node: NODE },
): Way {
  const hops: Record<string, Hop> = { [NODE]: { ifindex: 4, gateway: "" }, [address]: hop };
  const routes: Routes = { version: 1, get: (each) => hops[each] ?? { ifindex: 0, gateway: "" } };
  return wayTo({ address, port: 80, draining: false, elsewhere: true, ...node }, routes, own, "SNAT");
}

Deno.test("wayTo() with SNAT goes by the routing table, from the address that the host would send from", () => {
  assertEquals(snatTo("10.0.0.1", { ifindex: 7, gateway: "10.244.2.0", source: "10.244.1.0" }), {
    ifindex: 7,
    gateway: "10.244.2.0",
    source: "10.244.1.0",
    flags: SNAT,
  });
  const { source } = snatTo("fd00:2::1", { ifindex: 7, gateway: "", source: "fd00:1::1" });
  assertEquals(source, "fd00:1::1");
});

Deno.test("wayTo() with SNAT is the same whether or not the endpoint's node has Blixt", () => {
  const hop = { ifindex: 7, gateway: "10.244.2.0", source: "10.244.1.0" };
  assertEquals(snatTo("10.0.0.1", hop, OWN, {}), snatTo("10.0.0.1", hop));
  assertEquals(snatTo("10.0.0.1", hop, OWN, {}).flags, SNAT);
});

Deno.test("wayTo() with SNAT takes an address of the node of the endpoint's family where no other is known", () => {
  const unknown = { ifindex: 7, gateway: "" };
  assertEquals(snatTo("10.0.0.1", unknown).source, "10.9.0.1");
  assertEquals(snatTo("fd00:2::1", unknown).source, "fd00:9::1");
  assertEquals(snatTo("fd00:2::1", { ...unknown, source: "fe80::1" }).source, "fd00:9::1", "not of a link");
  assertEquals(snatTo("fd00:2::1", { ...unknown, source: "" }).source, "fd00:9::1");
});

Deno.test("wayTo() with SNAT is that of Direct where the node has no address of the endpoint's family", () => {
  assertEquals(snatTo("10.0.0.1", { ifindex: 7, gateway: "" }, ["fd00:9::1"]), {
    ifindex: 4,
    gateway: "10.9.0.2",
    source: "",
    flags: BACKEND_ALIVE | BACKEND_REMOTE,
  });
});

Deno.test("wayTo() with SNAT leaves endpoints of this node as they are", () => {
  const routes = (hop: Hop): Routes => ({ version: 1, get: () => hop });
  const here = { address: "10.0.0.1", port: 80, draining: false };
  const hop = { ifindex: 7, gateway: "", source: "10.9.0.1" };
  assertEquals(wayTo(here, routes(hop), OWN, "SNAT"), wayTo(here, routes(hop), OWN));
  assertEquals(wayTo(here, routes(hop), OWN, "SNAT").flags, BACKEND_ALIVE);
  const local = routes({ ifindex: 0, gateway: "", local: true });
  const there = { ...here, node: NODE, elsewhere: true };
  assertEquals(wayTo(there, local, OWN, "SNAT").flags, BACKEND_ALIVE | BACKEND_LOCAL);
});

Deno.test("keepsFlows() ends those whose packets would have other addresses, and no others", () => {
  const way = (flags: number, source = "", ifindex = 1): Way => ({ ifindex, gateway: "", source, flags });
  const [plain, remote] = [way(BACKEND_ALIVE), way(BACKEND_ALIVE | BACKEND_REMOTE)];
  const tunnel = way(BACKEND_ALIVE | BACKEND_REMOTE | BACKEND_TUNNEL, "10.9.0.1");
  const snat = way(SNAT, "10.9.0.1");
  assertEquals(keepsFlows(plain, remote), false);
  assertEquals(keepsFlows(remote, tunnel), true);
  assertEquals(keepsFlows(tunnel, { ...tunnel, source: "10.9.0.7" }), true);
  assertEquals([keepsFlows(remote, snat), keepsFlows(snat, plain)], [false, false]);
  assertEquals(keepsFlows(snat, way(SNAT, "10.9.0.1", 2)), true);
  assertEquals(keepsFlows(snat, way(SNAT, "10.9.0.7")), false);
});
