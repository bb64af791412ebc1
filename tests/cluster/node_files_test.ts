// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { layOutCluster } from "./layout.ts";
import { cniConfig, containerdConfig, kubeletConfig, kubeProxyConfig } from "./node_files.ts";

const [, node] = layOutCluster("blixt", 2).nodes;

Deno.test("cniConfig() gives pods addresses of both families from the node's own network, unmasqueraded", () => {
  const { plugins: [bridge] } = JSON.parse(cniConfig(node!));
  assertEquals(bridge.ipam.ranges, [[{ subnet: "10.244.2.0/24" }], [{ subnet: "fd00:10:244:2::/64" }]]);
  assertEquals(bridge.ipMasq, false);
});

Deno.test("kubeletConfig() keeps a node's pods below its own control group", () => {
  const config = parse(kubeletConfig(node!, "/pki/authority.crt"));
  assertEquals(config.cgroupRoot, "/bx-cluster-blixt-n2");
  assertEquals(config.authentication.x509.clientCAFile, "/pki/authority.crt");
  assertEquals(config.authentication.anonymous.enabled, false);
});

Deno.test("kubeProxyConfig() names the mode, both pod networks and the node", () => {
  const { mode, clusterCIDR, hostnameOverride, conntrack } = parse(kubeProxyConfig(node!, "iptables", "/k"));
  assertEquals([mode, hostnameOverride], ["iptables", "n2"]);
  assertEquals(clusterCIDR, "10.244.0.0/16,fd00:10:244::/48");
  assertEquals(conntrack.maxPerCore, 0);
});

Deno.test("containerdConfig() quotes what it is given", () => {
  const config = containerdConfig({ data: '/a "b"', plugins: "/p", runc: "/r", cni: "/c" });
  assertStringIncludes(config, 'root = "/a \\"b\\""');
  assertStringIncludes(config, 'BinaryName = "/r"');
});
