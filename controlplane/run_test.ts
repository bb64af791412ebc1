// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { KubernetesObject } from "./api/object.ts";
import type { Snapshot } from "./api/snapshot.ts";
import type { Unprogrammed } from "./dataplane/planner.ts";
import { ManualClock, settle } from "./manual_clock.ts";
import { type Message, Output } from "./output.ts";
import { type DataplaneWriter, runLoop } from "./run.ts";
import type { StatusWriter } from "./status/status_writer.ts";
import { KIND_NAMES, Store } from "./store/store.ts";
import type { DesiredDataplane } from "./translate/desired.ts";
import type { DesiredStatus, Translation } from "./translate/translation.ts";

/** A service for each Service, whose port is the length of its name. */
function translate(snapshot: Snapshot): Translation {
  const names = [...snapshot.Service.keys()];
  return {
    dataplane: {
      services: names.map((name) => ({
        address: "192.0.2.1",
        port: name.length,
        protocol: "TCP",
        listener: name,
        groups: [],
        affinitySeconds: 0,
      })),
    },
    statuses: [{
      kind: "Gateway",
      key: "default/web",
      status: { conditions: [{ type: "Programmed", status: "True", reason: "Programmed", message: "" }] },
    }],
    notices: [],
    loadBalancers: [],
  };
}

/** A dataplane that takes a state when the test says so. */
class HeldDataplane implements DataplaneWriter {
  readonly sets: DesiredDataplane[] = [];
  unprogrammed: readonly Unprogrammed[] = [];
  #taken = Promise.withResolvers<void>();
  #open = false;

  set(desired: DesiredDataplane): void {
    this.sets.push(desired);
  }

  programmed(): Promise<void> {
    return this.#open ? Promise.resolve() : this.#taken.promise;
  }

  open(): void {
    this.#open = true;
    this.#taken.resolve();
  }
}

interface Fixture {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly dataplane: HeldDataplane;
  readonly statuses: (readonly DesiredStatus[])[];
  readonly messages: Message[];
  /** How often the loop told that it is ready. */
  readonly ready: { count: number };
}

async function withLoop(body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const store = new Store({ clock });
  const dataplane = new HeldDataplane();
  const statuses: (readonly DesiredStatus[])[] = [];
  const messages: Message[] = [];
  const ready = { count: 0 };
  const status: StatusWriter = { set: (all) => statuses.push(all), close: () => Promise.resolve() };
  const output = new Output({
    json: true,
    colour: false,
    stdout: (line) => messages.push(JSON.parse(line)),
    stderr: () => {},
  });
  const stop = new AbortController();
  const onReady = (): void => void ready.count++;
  const running = runLoop({ store, translate, dataplane, status, output, onReady, clock }, stop.signal);
  try {
    await body({ store, clock, dataplane, statuses, messages, ready });
  } finally {
    stop.abort(new Error("over"));
    await running;
  }
}

const service = (name: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
});
const sync = (store: Store): void => KIND_NAMES.forEach((kind) => store.markSynced(kind));
const programmed = (statuses: readonly DesiredStatus[] | undefined): unknown =>
  (statuses?.[0]?.status["conditions"] as { reason: string }[] | undefined)?.[0]?.reason;

Deno.test("runLoop() gives nothing to the dataplane before every kind was read", async () => {
  await withLoop(async ({ store, clock, dataplane }) => {
    store.set("Service", service("a"));
    await clock.advance(1_000);
    assertEquals(dataplane.sets, []);
    sync(store);
    await clock.advance(1_000);
    assertEquals(dataplane.sets.length, 1);
  });
});

Deno.test("runLoop() is ready, and writes statuses, when the dataplane has taken the first state", async () => {
  await withLoop(async ({ store, clock, dataplane, statuses, messages, ready }) => {
    store.set("Service", service("a"));
    sync(store);
    await clock.advance(1_000);
    assertEquals([statuses.length, messages.length, ready.count], [0, 0, 0]);
    dataplane.open();
    await settle();
    assertEquals(ready.count, 1);
    assertEquals(programmed(statuses[0]), "Programmed");
    assertEquals(messages, [{ type: "ready", text: "1 Gateway, 1 listener, 0 routes, 0 backends" }]);
  });
});

Deno.test("runLoop() writes that statuses are pending when the dataplane takes more than ten seconds", async () => {
  await withLoop(async ({ store, clock, dataplane, statuses }) => {
    sync(store);
    await clock.advance(9_900);
    assertEquals(statuses, []);
    await clock.advance(200);
    assertEquals(programmed(statuses.at(-1)), "Pending");
    dataplane.open();
    await settle();
    assertEquals(programmed(statuses.at(-1)), "Programmed");
  });
});

Deno.test("runLoop() merges a burst of changes into one, and says what is in the kernel now", async () => {
  await withLoop(async ({ store, clock, dataplane, messages }) => {
    sync(store);
    dataplane.open();
    await clock.advance(1_000);
    for (const name of ["aa", "bbb", "cccc"]) store.set("Service", service(name));
    await clock.advance(1_000);
    assertEquals(dataplane.sets.length, 2);
    assertEquals(messages.at(-1), {
      type: "applied",
      text:
        "TCP 192.0.2.1:2 added with 0 backends, TCP 192.0.2.1:3 added with 0 backends, TCP 192.0.2.1:4 added with 0 backends",
    });
  });
});

Deno.test("runLoop() does not bother the dataplane with a change that means nothing to it", async () => {
  await withLoop(async ({ store, clock, dataplane, statuses, messages }) => {
    sync(store);
    dataplane.open();
    await clock.advance(1_000);
    const [before, said] = [statuses.length, messages.length];
    store.set("Namespace", { apiVersion: "v1", kind: "Namespace", metadata: { name: "new" } });
    await clock.advance(1_000);
    assertEquals(dataplane.sets.length, 1);
    assertEquals(statuses.length, before + 1, "statuses may differ all the same");
    assertEquals(messages.length, said);
  });
});

Deno.test("runLoop() says of a listener for which the kernel has no room that it is not programmed, until it has", async () => {
  await withLoop(async ({ store, clock, dataplane, statuses }) => {
    store.set("Service", service("a"));
    sync(store);
    dataplane.open();
    await clock.advance(1_000);
    assertEquals(programmed(statuses.at(-1)), "Programmed");
    const [desired] = dataplane.sets[0]!.services;
    dataplane.unprogrammed = [{
      service: { ...desired!, listener: "Gateway default/web, listener tcp" },
      reason: "All 1 services are in use, raise --services",
    }];
    store.notify();
    await clock.advance(1_000);
    assertEquals(programmed(statuses.at(-1)), "NoResources");
    dataplane.unprogrammed = [];
    store.notify();
    await clock.advance(1_000);
    assertEquals(programmed(statuses.at(-1)), "Programmed");
  });
});
