// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseOwner } from "../netns/netns_name.ts";
import { layOutCluster } from "./layout.ts";
import { hostsOf } from "./network.ts";

Deno.test("layOutCluster() gives every node an address and a pod network of its own", () => {
  const { nodes } = layOutCluster("blixt", 2);
  assertEquals(nodes.map(({ name, ipv4 }) => [name, ipv4]), [["n1", "10.99.0.11"], ["n2", "10.99.0.12"]]);
  assertEquals(nodes.map(({ podNetwork }) => podNetwork), [
    { ipv4: "10.244.1.0/24", ipv6: "fd00:10:244:1::/64" },
    { ipv4: "10.244.2.0/24", ipv6: "fd00:10:244:2::/64" },
  ]);
});

Deno.test("layOutCluster() puts the control plane first and the client outside", () => {
  const { fabric, client } = layOutCluster("blixt", 1);
  assertEquals([fabric.ipv4, client.ipv4, client.ipv6], ["10.99.0.1", "10.99.0.100", "fd00:10:99::100"]);
});

Deno.test("layOutCluster() keeps the network namespaces of two clusters apart", () => {
  const names = ["one", "two"].flatMap((name) => hostsOf(layOutCluster(name, 2)).map(({ netns }) => netns));
  assertEquals(new Set(names).size, 8);
});

Deno.test("layOutCluster() names no network namespace that other tests would take for a leftover", () => {
  for (const { netns } of hostsOf(layOutCluster("1x2x3", 2))) assertEquals(parseOwner(netns), undefined);
});
