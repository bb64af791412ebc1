// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { LoaderClient } from "../loader/client.ts";
import { encodeU32 } from "./codec.ts";
import { FakeBench } from "./fake_bench.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { OBJECT_NAME } from "./kernel.ts";
import { checkLayout, type Layout } from "./layout.ts";
import { readObject } from "./object.ts";
import { readState, type State, sumCpus } from "./state.ts";

const web = service("192.0.2.1:80", group(3, "10.0.0.1:8080"), group(1, "10.0.0.2:8080"));

function layoutOf(bench: FakeBench): Layout {
  return checkLayout(readObject(bench.object));
}

async function read(bench: FakeBench): Promise<State> {
  const client = new LoaderClient(bench.fake.target);
  try {
    return await readState(client, layoutOf(bench), AbortSignal.timeout(60_000));
  } finally {
    client.close();
  }
}

/** Counts as two CPUs would have, half each. */
function count(
  bench: FakeBench,
  map: string,
  id: number,
  flows: bigint,
  drops?: Readonly<Record<string, bigint>>,
): void {
  const { Stats, Drops } = layoutOf(bench);
  const none = { rx_packets: 0n, rx_bytes: 0n, tx_packets: 0n, tx_bytes: 0n, refused: 0n };
  const half = drops === undefined ? Stats.encode({ ...none, flows: flows / 2n }) : Drops.encode(drops);
  bench.fake.object(OBJECT_NAME).map(map).poke(encodeU32(id), Uint8Array.from([...half, ...half]));
}

Deno.test("readState() shows services with shares by slots, backends and counters summed over CPUs", async () => {
  await using bench = await FakeBench.start();
  await bench.program(bench.run(), dataplane(web));
  const [id] = [...(await bench.kernel()).services.values()].map(({ value }) => value.id);
  count(bench, "service_stats", id ?? 0, 10n);
  count(bench, "backend_stats", 1, 8n);
  count(bench, "drops", 0, 0n, { malformed: 4n, refused_tcp: 1n });
  const { services, drops, interfaces } = await read(bench);
  const [only] = services;
  assertEquals([only?.address, only?.port, only?.protocol, only?.traffic.flows], [
    "192.0.2.1",
    80,
    "TCP",
    10n,
  ]);
  const backends = only?.backends.map((
    { address, share, traffic },
  ) => [address, share.toFixed(2), traffic.flows]);
  assertEquals(backends, [["10.0.0.1", "0.75", 8n], ["10.0.0.2", "0.25", 0n]]);
  assertEquals(drops, { malformed: 8n, refused_tcp: 2n });
  assertEquals(interfaces.map(({ name, tcx, xdp }) => [name, tcx, xdp]), [["eth0", true, false]]);
});

Deno.test("readState() shows what there is room for, and how much of it is used", async () => {
  await using bench = await FakeBench.start();
  await bench.program(
    bench.run({ limits: { flows: 10, services: 5, backends: 7, clients: 4 } }),
    dataplane(web),
  );
  const flows = bench.fake.object(OBJECT_NAME).map("flows6");
  for (const id of [1, 2, 3]) flows.poke(new Uint8Array(16).fill(id), new Uint8Array(8));
  bench.fake.object(OBJECT_NAME).map("affinities").poke(encodeU32(1), new Uint8Array(8));
  const { uses, memory } = await read(bench);
  assertEquals(uses.map(({ name, used, estimated, most }) => [name, used, estimated, most]), [
    ["flows over IPv4", 0, false, 10],
    ["flows over IPv6", 2, false, 10],
    ["services", 1, false, 5],
    ["backends", 2, false, 7],
    ["clients with affinity", 1, false, 4],
  ]);
  const sum = uses.reduce((total, use) => total + use.memory, 0);
  if (sum === 0 || sum >= memory) throw new Error(`${sum} bytes of ${memory}`);
});

Deno.test("readState() shows what is refused: a group without endpoints, or everything", async () => {
  await using bench = await FakeBench.start();
  const part = service("192.0.2.1:80", group(1, "10.0.0.1:80"), group(1));
  await bench.program(bench.run(), dataplane(part, service("192.0.2.1:81")));
  const { services } = await read(bench);
  assertEquals(services.map(({ port, refusedShare }) => `${port} ${refusedShare.toFixed(2)}`), [
    "80 0.50",
    "81 1.00",
  ]);
});

Deno.test("readState() orders by address as numbers, then port and protocol", async () => {
  await using bench = await FakeBench.start();
  const at = ["2001:db8::1:80", "192.0.2.10:80", "192.0.2.9:80", "192.0.2.9:8", "10.0.0.1:99"];
  const services = at.map((address) => service(address));
  await bench.program(bench.run(), dataplane(...services, { ...services[2]!, protocol: "UDP" }));
  const order = (await read(bench)).services.map(({ address, port, protocol }) =>
    `${address}:${port}/${protocol}`
  );
  assertEquals(order, [
    "10.0.0.1:99/TCP",
    "192.0.2.9:8/TCP",
    "192.0.2.9:80/TCP",
    "192.0.2.9:80/UDP",
    "192.0.2.10:80/TCP",
    "2001:db8::1:80/TCP",
  ]);
});

Deno.test("readState() fails with the loader's sentence when nothing is loaded", async () => {
  await using bench = await FakeBench.start();
  await assertRejects(() => read(bench), Error, "No object blixt is loaded; Load it first");
});

Deno.test("sumCpus() adds up any number of CPUs and ignores what is cut off", async () => {
  await using bench = await FakeBench.start();
  const { Drops } = layoutOf(bench);
  const one = Drops.encode({ malformed: 3n, refused_tcp: 2n ** 63n - 1n });
  assertEquals(sumCpus(Drops, Uint8Array.from([...one, ...one, ...one.subarray(0, 5)])), {
    malformed: 6n,
    refused_tcp: 2n ** 64n - 2n,
  });
});
