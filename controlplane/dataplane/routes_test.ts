// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { LoaderClient } from "../loader/client.ts";
import type { Route } from "../loader/messages.ts";
import { FakeBench } from "./fake_bench.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { RouteCache } from "./routes.ts";

const one = service("192.0.2.1:80", group(1, "10.0.0.1:80", "10.0.0.2:80"));
const two = service("192.0.2.1:81", group(1, "10.0.0.1:80", "2001:db8::3:80"));

/** A client that notes how many addresses each request asks for. */
class CountingClient extends LoaderClient {
  readonly asked: number[] = [];

  override resolve(addresses: readonly Uint8Array[]): Promise<readonly Route[]> {
    this.asked.push(addresses.length);
    return super.resolve(addresses);
  }
}

async function withCache(
  test: (cache: RouteCache, client: CountingClient, bench: FakeBench) => Promise<void>,
): Promise<void> {
  await using bench = await FakeBench.start();
  bench.fake.network.setRoutes({
    "0a000001": { ifindex: 3, gateway: new Uint8Array(), local: false, source: new Uint8Array() },
    "0a000002": {
      ifindex: 4,
      gateway: Uint8Array.of(10, 9, 9, 9),
      local: false,
      source: Uint8Array.of(10, 9, 9, 1),
    },
    "20010db8000000000000000000000003": {
      ifindex: 1,
      gateway: new Uint8Array(),
      local: true,
      source: new Uint8Array(),
    },
  });
  const client = new CountingClient(bench.fake.target);
  try {
    await test(new RouteCache(), client, bench);
  } finally {
    client.close();
  }
}

Deno.test("RouteCache.update() learns interface and next hop, and no way to what is unknown or the host's own", () =>
  withCache(async (cache, client) => {
    await cache.update(client, dataplane(one, two), 1);
    const ways = ["10.0.0.1", "10.0.0.2", "2001:db8::3", "10.0.0.9"].map((address) => cache.get(address));
    assertEquals(ways.map(({ ifindex, gateway }) => `${ifindex} ${gateway}`), [
      "3 ",
      "4 10.9.9.9",
      "0 ",
      "0 ",
    ]);
  }));

Deno.test("RouteCache.update() asks only for addresses it does not know", () =>
  withCache(async (cache, client) => {
    await cache.update(client, dataplane(one), 1);
    await cache.update(client, dataplane(one, two), 1);
    await cache.update(client, dataplane(one, two), 1);
    assertEquals(client.asked, [2, 1]);
  }));

Deno.test("RouteCache.update() asks for all again when the generation is another, and says so if one changed", () =>
  withCache(async (cache, client, bench) => {
    await cache.update(client, dataplane(one), 1);
    const { version } = cache;
    await cache.update(client, dataplane(one), 2);
    assertEquals([client.asked, cache.version], [[2, 2], version]);
    bench.fake.network.setRoutes({});
    await cache.update(client, dataplane(one), 3);
    assertEquals([cache.version > version, cache.get("10.0.0.1").ifindex], [true, 0]);
  }));

Deno.test("RouteCache.update() asks in parts when there are many", () =>
  withCache(async (cache, client) => {
    const endpoints = Array.from({ length: 5_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}:80`);
    await cache.update(client, dataplane(service("192.0.2.1:80", group(1, ...endpoints))), 1);
    assertEquals(client.asked, [4_096, 904]);
  }));

Deno.test("RouteCache.update() learns the ways to endpoints' nodes too", () =>
  withCache(async (cache, client) => {
    const placed = group(1, "10.0.0.1:80").endpoints.map((endpoint) => ({ ...endpoint, node: "10.0.0.2" }));
    await cache.update(client, dataplane(service("192.0.2.1:80", { ...group(1), endpoints: placed })), 1);
    assertEquals(cache.get("10.0.0.2").ifindex, 4);
  }));

Deno.test("RouteCache.update() learns the host's own address on the way, and says so when it is another", () =>
  withCache(async (cache, client, bench) => {
    await cache.update(client, dataplane(one), 1);
    assertEquals(["10.0.0.1", "10.0.0.2"].map((address) => cache.get(address).source), ["", "10.9.9.1"]);
    const { version } = cache;
    const way = { ifindex: 3, gateway: new Uint8Array(), local: false };
    const from = (last: number): void =>
      bench.fake.network.setRoutes({ "0a000001": { ...way, source: Uint8Array.of(10, 9, 9, last) } });
    from(2);
    await cache.update(client, dataplane(one), 2);
    assertEquals([cache.get("10.0.0.1").source, cache.version], ["10.9.9.2", version + 1]);
  }));
