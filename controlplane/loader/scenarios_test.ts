// SPDX-License-Identifier: Apache-2.0

// The scenario suite against the fake. tests/loader/real_loader_test.ts runs it against the real loader.

import { LoaderClient } from "./client.ts";
import { CODE } from "./error.ts";
import { FakeLoader } from "./fake.ts";
import { fakeInterface } from "./fake_network.ts";
import type { Interface } from "./messages.ts";
import type { Subject } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

class FakeSubject implements Subject {
  readonly #fake: FakeLoader;
  #interfaces: Interface[] = [fakeInterface(1, "lo", { type: 772 })];
  #client: LoaderClient;

  constructor(fake: FakeLoader) {
    this.#fake = fake;
    this.#client = new LoaderClient(fake.target);
    fake.network.setInterfaces(this.#interfaces);
  }

  client(): LoaderClient {
    return this.#client;
  }

  close(): void {
    this.#client.close();
    this.#fake.stop();
  }

  async restart(): Promise<void> {
    this.#client.close();
    await this.#fake.restart();
    this.#client = new LoaderClient(this.#fake.target);
  }

  addInterface(name: string): Promise<number> {
    const ifindex = 2 + this.#interfaces.length;
    this.#interfaces = [...this.#interfaces, fakeInterface(ifindex, name, { kind: "veth" })];
    this.#fake.network.setInterfaces(this.#interfaces);
    return Promise.resolve(ifindex);
  }

  removeInterface(name: string): Promise<void> {
    const gone = this.#interfaces.find((device) => device.name === name);
    this.#interfaces = this.#interfaces.filter((device) => device !== gone);
    this.#fake.removeInterface(gone?.ifindex ?? 0, this.#interfaces);
    return Promise.resolve();
  }

  verifierRefuses(): void {
    this.#fake.faults.order({
      method: "load",
      code: CODE.FAILED_PRECONDITION,
      message: "The kernel's verifier refuses program ingress, as the test ordered",
    });
  }

  addRoute(_name: string, ifindex: number): Promise<void> {
    this.#fake.network.setRoutes({
      c6336407: { ifindex, gateway: new Uint8Array(), local: false, source: new Uint8Array() },
    });
    return Promise.resolve();
  }
}

for (const scenario of SCENARIOS) {
  Deno.test(`fake loader: ${scenario.name}`, async () => {
    const folder = await Deno.makeTempDir();
    const fake = new FakeLoader({ socket: `${folder}/loader.sock`, cpus: 3 });
    await fake.start();
    const subject = new FakeSubject(fake);
    try {
      await scenario.run(subject);
    } finally {
      subject.close();
      await Deno.remove(folder, { recursive: true });
    }
  });
}
