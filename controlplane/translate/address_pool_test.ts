// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import type { AddressRange } from "../api/gateway_class_config.ts";
import { parseAddressPolicy } from "./address_pool.ts";
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
