// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import type { AddressRange } from "../api/gateway_class_config.ts";
import { formatIp } from "../api/ip.ts";
import { parseAddressPolicy, probe } from "./address_pool.ts";
import { gatewayClassConfig } from "./testing.ts";

Deno.test("parseAddressPolicy() reads blocks and ranges of both families", () => {
  const config = gatewayClassConfig({
    addressPools: [{ cidr: "192.0.2.0/31" }, { start: "2001:db8::1", end: "2001:db8::2" }],
  });
  assertEquals(parseAddressPolicy(config), {
    pools: [
      { family: "IPv4", first: 0xc0000200n, last: 0xc0000201n },
      { family: "IPv6", first: (0x20010db8n << 96n) + 1n, last: (0x20010db8n << 96n) + 2n },
    ],
  });
});

Deno.test("parseAddressPolicy() tells no staticAddresses from an empty list", () => {
  assertEquals(parseAddressPolicy(gatewayClassConfig({})), { pools: [] });
  assertEquals(parseAddressPolicy(gatewayClassConfig({ staticAddresses: [] })), {
    pools: [],
    staticRanges: [],
  });
});

Deno.test("parseAddressPolicy() takes a config without spec as an empty one", () => {
  const { spec: _, ...bare } = gatewayClassConfig({});
  assertEquals(parseAddressPolicy(bare), { pools: [] });
});

for (const cidr of ["127.0.0.0/8", "0.0.0.0/0", "192.0.0.0/2", "::/127", "fe80::/64", "ff02::/16"]) {
  Deno.test(`parseAddressPolicy() refuses a pool with addresses that no Gateway can have: ${cidr}`, () => {
    const config = gatewayClassConfig({ addressPools: [{ cidr: "10.0.0.0/8" }, { cidr }] });
    assertThrows(() => parseAddressPolicy(config), RangeError, "spec.addressPools[1] must have no loopback");
    assertEquals(
      parseAddressPolicy(gatewayClassConfig({ staticAddresses: [{ cidr }] })).staticRanges?.length,
      1,
    );
  });
}

Deno.test("probe() goes through every address of all ranges once, from where the seed says", () => {
  const { pools } = parseAddressPolicy(
    gatewayClassConfig({
      addressPools: [{ cidr: "192.0.2.0/30" }, { start: "198.51.100.1", end: "198.51.100.3" }],
    }),
  );
  const all = [...probe(pools, "a")].map(formatIp);
  assertEquals([...all].sort(), [
    "192.0.2.0",
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "198.51.100.1",
    "198.51.100.2",
    "198.51.100.3",
  ]);
  const starts = new Set(
    Array.from({ length: 50 }, (_, seed) => [...probe(pools, `${seed}`)].map(formatIp)[0]),
  );
  assertEquals(starts.size, 7);
  assertEquals([...probe(pools, "a")].map(formatIp), all);
});

Deno.test("probe() of no ranges is empty", () => assertEquals([...probe([], "a")], []));

for (
  const range of [
    {},
    { cidr: "192.0.2.1/24" },
    { cidr: "pool" },
    { start: "192.0.2.1" },
    { end: "192.0.2.1" },
    { start: "192.0.2.9", end: "192.0.2.1" },
    { start: "192.0.2.1", end: "::1" },
    { cidr: "192.0.2.0/24", start: "192.0.2.1", end: "192.0.2.9" },
  ] satisfies AddressRange[]
) {
  Deno.test(`parseAddressPolicy() refuses ${JSON.stringify(range)} and names the field`, () => {
    const pool = gatewayClassConfig({ addressPools: [{ cidr: "10.0.0.0/8" }, range] });
    assertThrows(() => parseAddressPolicy(pool), RangeError, "spec.addressPools[1] must have");
    const fixed = gatewayClassConfig({ staticAddresses: [range] });
    assertThrows(() => parseAddressPolicy(fixed), RangeError, "spec.staticAddresses[0] must have");
  });
}
