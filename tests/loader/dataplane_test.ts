// SPDX-License-Identifier: Apache-2.0

// The dataplane writer with the real loader and the real kernel object.

import { assert, assertEquals } from "@std/assert";
import { Dataplane } from "../../controlplane/dataplane/dataplane.ts";
import { dataplane, group, service } from "../../controlplane/dataplane/fixtures.ts";
import { DEFAULT_LIMITS, type Limits } from "../../controlplane/dataplane/limits.ts";
import { type KernelState, OBJECT_NAME, readKernel } from "../../controlplane/dataplane/kernel.ts";
import { checkLayout, STATE_CLOSED, STATE_ESTABLISHED } from "../../controlplane/dataplane/layout.ts";
import { MAP_TYPE, readObject } from "../../controlplane/dataplane/object.ts";
import { readState, type State } from "../../controlplane/dataplane/state.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { DesiredDataplane } from "../../controlplane/translate/desired.ts";
import { type RealLoader, realLoaderTest } from "./real_loader.ts";

/** Milliseconds for one state, on a machine that others use too. */
const PATIENCE = 60_000;

/** A map in the fdinfo of a process that has it open (bpf_map_show_fdinfo() in kernel/bpf/syscall.c). */
interface OpenMap {
  readonly type: number;
  /** Bytes. */
  readonly memlock: number;
}

/** Maps that a process has open, by id. */
function openMaps(pid: number): Map<number, OpenMap> {
  const maps = new Map<number, OpenMap>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fdinfo`)) {
    const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${name}`);
    const field = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+)$`, "m").exec(info)?.[1]);
    const id = field("map_id");
    if (!Number.isNaN(id)) maps.set(id, { type: field("map_type"), memlock: field("memlock") });
  }
  return maps;
}

/** Dataplanes on a real loader, each ended before the loader is. */
class Bench implements AsyncDisposable {
  readonly log: string[] = [];
  readonly #object = Deno.readFileSync(paths.kernelObject);
  readonly #subjects: Dataplane[] = [];

  constructor(readonly loader: RealLoader) {}

  run(limits: Partial<Limits> = { flows: 1_000 }): Dataplane {
    const { target } = this.loader;
    const subject = new Dataplane({
      loader: target,
      object: this.#object,
      limits,
      log: (line) => this.log.push(line),
    });
    this.#subjects.push(subject);
    subject.run(new AbortController().signal);
    return subject;
  }

  async program(subject: Dataplane, desired: DesiredDataplane): Promise<void> {
    subject.set(desired);
    await subject.programmed(desired, AbortSignal.timeout(PATIENCE)).catch((cause) => {
      throw new Error(`Not programmed: ${this.log.join("; ")}`, { cause });
    });
  }

  kernel(): Promise<KernelState> {
    return readKernel(
      this.loader.client(),
      checkLayout(readObject(this.#object)),
      AbortSignal.timeout(PATIENCE),
    );
  }

  state(): Promise<State> {
    const layout = checkLayout(readObject(this.#object));
    return readState(this.loader.client(), layout, AbortSignal.timeout(PATIENCE));
  }

  async attached(): Promise<number[]> {
    const { objects } = await this.loader.client().probe();
    const attachments = objects.flatMap((object) => object.attachments);
    return [...new Set(attachments.map(({ ifindex }) => ifindex))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subject of this.#subjects) await subject.close({ unload: false });
  }
}

const web = service("192.0.2.1:80", group(3, "198.51.100.7:8080", "198.51.100.8:8080"), group(1));
const dns = { ...service("2001:db8::1:53", group(1, "203.0.113.9:5353")), protocol: "UDP" } as const;

realLoaderTest(
  "real loader: a dataplane programs services, ways and devices, and removes them",
  async (loader) => {
    const ifindex = await loader.addInterface("bx-a");
    await loader.addRoute("bx-a");
    await using bench = new Bench(loader);
    const subject = bench.run();
    await bench.program(subject, dataplane(web, dns));
    const kernel = await bench.kernel();
    assertEquals([...kernel.addresses.keys()].sort(), ["192.0.2.1", "2001:db8::1"]);
    const ways = [...kernel.backends.values()].map(({ address, ifindex }) => `${address} ${ifindex}`).sort();
    assertEquals(ways, [`198.51.100.7 ${ifindex}`, `198.51.100.8 ${ifindex}`, "203.0.113.9 0"]);
    const { slots, table } = [...kernel.services.values()].find(({ key }) => key.port === 80)!.value;
    assertEquals([slots, kernel.tables.get(table)?.filter((id) => id === 0).length], [4_093, 1_023]);
    assertEquals(await bench.attached(), [ifindex]);

    await bench.program(subject, dataplane());
    const empty = await bench.kernel();
    assertEquals([empty.services.size, empty.backends.size, empty.tables.size, empty.addresses.size], [
      0,
      0,
      0,
      0,
    ]);
    await subject.close({ unload: true });
    assertEquals((await loader.client().probe()).objects, []);
  },
);

realLoaderTest(
  "real loader: a dataplane outlives the loader, and finds interfaces that appear",
  async (loader) => {
    await loader.addInterface("bx-a");
    await using bench = new Bench(loader);
    const subject = bench.run();
    await bench.program(subject, dataplane(web));
    const before = await bench.kernel();
    await loader.restart();
    const later = await loader.addInterface("bx-b");
    await bench.program(subject, dataplane(web, dns));
    const after = await bench.kernel();
    for (const [id, backend] of before.backends) assertEquals(after.backends.get(id)?.epoch, backend.epoch);
    assert((await bench.attached()).includes(later));
  },
);

realLoaderTest("real loader: the next control plane takes over ids, epochs and tables", async (loader) => {
  await using bench = new Bench(loader);
  const first = bench.run();
  await bench.program(first, dataplane(web));
  const before = await bench.kernel();
  await first.close({ unload: false });
  await bench.program(bench.run(), structuredClone(dataplane(web)));
  assertEquals(await bench.kernel(), before);
  assert(bench.log.some((line) => line.endsWith("took over what was there")));
  assertEquals((await loader.client().probe()).objects.map(({ name }) => name), [OBJECT_NAME]);
});

realLoaderTest("real loader: a thousand services are programmed within ten seconds", async (loader) => {
  await using bench = new Bench(loader);
  const services = Array.from({ length: 1_000 }, (_, i) => {
    return service(`10.1.${i >> 8}.${i & 255}:80`, group(1, `10.2.${i >> 8}.${i & 255}:80`, "10.3.0.1:80"));
  });
  const subject = bench.run();
  await bench.program(subject, dataplane());
  await bench.program(subject, dataplane(...services));
  assertEquals((await bench.kernel()).services.size, 1_000);
});

realLoaderTest("real loader: the memory that limits cost is what the kernel reckons", async (loader) => {
  await using bench = new Bench(loader);
  const limits = { flows: 50_000, services: 300, backends: 2_000, clients: 1_000 };
  await bench.program(bench.run(limits), dataplane());
  const { uses, memory } = await bench.state();
  assertEquals(uses.map(({ of, used, most }) => [of, used, most]), [
    ["flows4", 0, 50_000],
    ["flows6", 0, 50_000],
    ["services", 0, 300],
    ["backends", 0, 2_000],
    ["clients", 0, 1_000],
  ]);
  const maps = [...openMaps(loader.pid).values()];
  const lru = maps.filter(({ type }) => type === MAP_TYPE.LRU_HASH).map(({ memlock }) => memlock);
  // Flows are in two tables: a large one, and one of those that may be made up.
  const pairs = lru.flatMap((one) => lru.map((other) => one + other));
  for (const { of, memory } of uses.slice(0, 2)) assert(pairs.includes(memory), `${of}: ${memory} of ${lru}`);
  // What is more is the template of inner tables, one page.
  const more = maps.reduce((sum, map) => sum + map.memlock, 0) - memory;
  assert(more >= 0 && more <= 4096, `${memory} bytes, and ${more} more in the kernel`);
});

realLoaderTest(
  "real loader: the default limits hold as many as they say, and the next one is named with the way out",
  async (loader) => {
    await using bench = new Bench(loader);
    const subject = bench.run({ ...DEFAULT_LIMITS, flows: 1_000 });
    const { services: most, backends } = DEFAULT_LIMITS;
    const endpoints = (from: number, count: number): string[] =>
      Array.from(
        { length: count },
        (_, i) => `10.${(from + i) >> 16}.${(from + i) >> 8 & 255}.${(from + i) & 255}:80`,
      );
    const half = backends / 2;
    const services = Array.from(
      { length: most },
      (_, i) =>
        service(
          `192.168.${i >> 8}.${i & 255}:80`,
          ...(i < 2 ? [group(1, ...endpoints(i * half, half))] : []),
        ),
    );
    await bench.program(subject, dataplane());
    await bench.program(subject, dataplane(...services));
    assertEquals(subject.unprogrammed, []);
    const { uses } = await bench.state();
    assertEquals(uses.slice(2).map(({ used }) => used), [most, backends, 0]);

    const another = service("198.51.100.1:80");
    const larger = service("192.168.0.0:80", group(1, ...endpoints(0, half), "198.51.100.9:80"));
    await bench.program(subject, dataplane(larger, ...services.slice(1), another));
    assertEquals(subject.unprogrammed.map(({ service, reason }) => [service.address, reason]), [
      ["192.168.0.0", "It needs 1 more of 100000 backends and 0 are free, raise --backends"],
      ["198.51.100.1", "All 10000 services are in use, raise --services"],
    ]);
  },
);

realLoaderTest(
  "real loader: flows that go on are told from those that have ended, which fill the table too",
  async (loader) => {
    await using bench = new Bench(loader);
    const subject = bench.run({ flows: 1_000 });
    await bench.program(subject, dataplane(web));
    // Whoever writes after it must be the only one.
    await subject.close({ unload: false });
    const client = loader.client();
    const layout = checkLayout(readObject(await Deno.readFile(paths.kernelObject)));
    const { maps = [], generation = 0 } = (await client.probe()).objects[0] ?? {};
    const { keySize = 0, valueSize = 0 } = maps.find(({ name }) => name === "flows4") ?? {};
    /** Entries of 600 connections, in that state, the last packet of each so long ago in units of the kernel's. */
    const put = async (state: number, idle: number, later: number): Promise<void> => {
      const operations = Array.from({ length: 1_200 }, (_, entry) => {
        const [key, value] = [new Uint8Array(keySize), new Uint8Array(valueSize)];
        new DataView(key.buffer).setUint32(0, entry);
        key[layout.flows.flows4.protocol] = 6;
        value[layout.flows.flows4.state] = state;
        // One has come just now.
        new DataView(value.buffer).setUint32(
          layout.flows.flows4.used,
          9_000 - (entry === 0 ? 0 : idle),
          true,
        );
        return { map: "flows4", put: { key, value } };
      });
      await client.apply({ name: OBJECT_NAME, generation: generation + later, operations });
    };
    const live = async (): Promise<(number | undefined)[]> => {
      const use = (await bench.state()).uses.find(({ of }) => of === "flows4");
      return [use?.used, use?.live];
    };
    await put(STATE_ESTABLISHED, 5_000, 1);
    assertEquals(await live(), [600, 600]);
    await put(STATE_ESTABLISHED, 7_000, 2);
    assertEquals(await live(), [600, 1], "idle for longer than RFC 5382 asks for");
    await put(STATE_CLOSED, 0, 3);
    assertEquals(await live(), [600, 0]);
  },
);
