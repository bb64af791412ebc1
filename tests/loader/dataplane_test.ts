// SPDX-License-Identifier: Apache-2.0

// The dataplane writer with the real loader and the real kernel object.

import { assert, assertEquals } from "@std/assert";
import { Dataplane } from "../../controlplane/dataplane/dataplane.ts";
import { dataplane, group, service } from "../../controlplane/dataplane/fixtures.ts";
import { type KernelState, OBJECT_NAME, readKernel } from "../../controlplane/dataplane/kernel.ts";
import { checkLayout } from "../../controlplane/dataplane/layout.ts";
import { readObject } from "../../controlplane/dataplane/object.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { DesiredDataplane } from "../../controlplane/translate/desired.ts";
import { type RealLoader, realLoaderTest } from "./real_loader.ts";

const PATIENCE = 10_000;

/** Dataplanes on a real loader, each ended before the loader is. */
class Bench implements AsyncDisposable {
  readonly log: string[] = [];
  readonly #object = Deno.readFileSync(paths.kernelObject);
  readonly #subjects: Dataplane[] = [];

  constructor(readonly loader: RealLoader) {}

  run(): Dataplane {
    const { target } = this.loader;
    const subject = new Dataplane({
      loader: target,
      object: this.#object,
      limits: { flows: 1_000 },
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

  async attached(): Promise<number[]> {
    const { objects } = await this.loader.client().probe();
    return objects.flatMap((object) => object.attachments).map(({ ifindex }) => ifindex);
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
