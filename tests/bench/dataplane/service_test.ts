// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { FEWEST, makeServices, MEASURED, PORTS_AN_ADDRESS } from "./service.ts";

Deno.test("makeServices() makes as many as asked for, no two at the same port", () => {
  for (const count of [FEWEST, 4, 1_000, 10_000]) {
    const services = makeServices(count);
    assertEquals(services.length, count);
    const keys = services.map(({ address, port, protocol }) => `${address} ${port} ${protocol}`);
    assertEquals(new Set(keys).size, count);
  }
});

Deno.test("makeServices() has those that are measured always, and in the middle", () => {
  assertEquals(makeServices(1).length, FEWEST);
  assert(makeServices(1).every(({ address }) => address === MEASURED));
  assertEquals(makeServices(1_001).findIndex(({ address }) => address === MEASURED), 499);
});

Deno.test("makeServices() stays within a Gateway's listeners at every address", () => {
  for (const [address, services] of Map.groupBy(makeServices(10_000), ({ address }) => address)) {
    assert(services.length <= PORTS_AN_ADDRESS, address);
    assert(address.split(".").every((byte) => Number(byte) < 256), address);
  }
});
