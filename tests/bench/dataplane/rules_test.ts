// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertMatch } from "@std/assert";
import { haproxyConfig } from "./haproxy.ts";
import { iptablesRules } from "./iptables.ts";
import { nftablesRules } from "./nftables.ts";
import { nginxConfig } from "./nginx.ts";
import { makeServices, type Service } from "./service.ts";

const service: Service = {
  address: "198.18.0.7",
  port: 53,
  protocol: "udp",
  targets: ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
  targetPort: 9000,
};

/** How often a text has a match. */
function count(text: string, pattern: RegExp): number {
  return text.match(new RegExp(pattern, "gm"))?.length ?? 0;
}

Deno.test("nftablesRules() finds a service in one map and gives each endpoint the same chance", () => {
  const rules = nftablesRules([service]);
  assert(rules.includes("elements = { 198.18.0.7 . udp . 53 : goto service-0 }"));
  assert(
    rules.includes(
      "numgen random mod 3 vmap { 0 : goto endpoint-0-0, 1 : goto endpoint-0-1, 2 : goto endpoint-0-2 }",
    ),
  );
  assert(rules.includes("chain endpoint-0-2 { meta l4proto udp dnat to 10.0.0.3:9000; }"));
  assertEquals(count(nftablesRules(makeServices(100)), /vmap @service-ips/), 1);
});

Deno.test("iptablesRules() gives each endpoint the same chance: a third, a half of the rest, the rest", () => {
  const rules = iptablesRules([service]);
  const chances = [...rules.matchAll(/--probability (\S+) -j KUBE-SEP-0-(\d)/g)].map(([, p, n]) => [p, n]);
  assertEquals(chances, [["0.33333333333", "0"], ["0.50000000000", "1"]]);
  assert(rules.includes("\n-A KUBE-SVC-0 -j KUBE-SEP-0-2\n"));
  assert(rules.includes("-A KUBE-SERVICES -d 198.18.0.7/32 -p udp -m udp --dport 53 -j KUBE-SVC-0"));
  assertEquals(count(iptablesRules(makeServices(100)), /-A KUBE-SERVICES/), 100);
});

Deno.test("haproxyConfig() leaves UDP out and names every server once in a section", () => {
  const config = haproxyConfig(makeServices(100));
  assertEquals([count(config, /^listen /gm), count(config, /^ {2}bind /gm)], [99, 99]);
  assertMatch(
    config,
    /bind 198\.18\.0\.1:9000\n {2}server b1 10\.244\.0\.11:9000\n {2}server b2 10\.244\.0\.12:9000\n/,
  );
});

Deno.test("nginxConfig() has connections enough for every listening socket", () => {
  const config = nginxConfig([service], "/folder");
  assert(config.includes("server { listen 198.18.0.7:53 udp; proxy_pass service-0; }"));
  assert(
    config.includes(
      "upstream service-0 { server 10.0.0.1:9000; server 10.0.0.2:9000; server 10.0.0.3:9000; }",
    ),
  );
  assert(config.includes("pid /folder/nginx.pid;"));
  assert(Number(/worker_connections (\d+)/.exec(nginxConfig(makeServices(10_000), "/"))?.[1]) > 10_000);
});
