// SPDX-License-Identifier: Apache-2.0

// A Dataplane in front of the fake loader, for tests of what the two do together.

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { LoaderClient } from "../loader/client.ts";
import { FakeLoader } from "../loader/fake.ts";
import { fakeInterface } from "../loader/fake_network.ts";
import type { DesiredDataplane } from "../translate/desired.ts";
import { blixtObject } from "./blixt_object.ts";
import { Dataplane, type DataplaneOptions } from "./dataplane.ts";
import { type KernelState, OBJECT_NAME, readKernel } from "./kernel.ts";
import { checkLayout, EGRESS_PROGRAM } from "./layout.ts";
import { readObject } from "./object.ts";

/** Milliseconds within which anything awaited must happen. */
const PATIENCE = 60_000;

/** A fake loader with one uplink, and what a test does with it. */
export class FakeBench implements AsyncDisposable {
  readonly log: string[] = [];
  readonly object = blixtObject();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  private constructor(readonly fake: FakeLoader, private readonly folder: string) {}

  static async start(): Promise<FakeBench> {
    const folder = await Deno.makeTempDir();
    const fake = new FakeLoader({ socket: `${folder}/loader.sock` });
    fake.network.setInterfaces([fakeInterface(1, "lo", { type: 772 }), fakeInterface(2, "eth0")]);
    await fake.start();
    return new FakeBench(fake, folder);
  }

  /** A dataplane that does not run yet. Back-off waits a hundredth of its time. */
  make(options: Partial<DataplaneOptions> = {}): Dataplane {
    return new Dataplane({
      loader: this.fake.target,
      object: this.object,
      limits: { flows: 10 },
      log: (line) => this.log.push(line),
      clock: {
        now: () => Date.now(),
        sleep: (milliseconds, signal) => delay(milliseconds / 100, { ...(signal && { signal }) }),
      },
      ...options,
    });
  }

  /** A dataplane that runs until the bench is disposed of. */
  run(options: Partial<DataplaneOptions> = {}): Dataplane {
    const dataplane = this.make(options);
    this.#running.push(dataplane.run(this.#stop.signal));
    return dataplane;
  }

  /** Sets a state and waits until it is in the kernel. */
  async program(dataplane: Dataplane, desired: DesiredDataplane): Promise<void> {
    dataplane.set(desired);
    await dataplane.programmed(desired, AbortSignal.timeout(PATIENCE));
  }

  /** What the maps hold now. */
  async kernel(): Promise<KernelState> {
    const client = new LoaderClient(this.fake.target);
    try {
      return await readKernel(client, checkLayout(readObject(this.object)), AbortSignal.timeout(PATIENCE));
    } finally {
      client.close();
    }
  }

  /** Interfaces the program hangs at. */
  attached(): number[] {
    return this.fake.object(OBJECT_NAME).describe().attachments
      .filter(({ program }) => program === EGRESS_PROGRAM).map(({ ifindex }) => ifindex).sort();
  }

  /** Waits until something is true. */
  async until(what: () => boolean): Promise<void> {
    const poll = async (): Promise<void> => {
      while (!what()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const stop = Date.now() + PATIENCE;
    await deadline(poll(), stop - Date.now());
  }

  /** Waits until no call has come for a while. */
  async settled(): Promise<void> {
    const { calls } = this.fake.faults;
    for (let before = -1; before !== calls.length;) {
      before = calls.length;
      await delay(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    this.fake.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}
