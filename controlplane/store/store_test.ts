// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertNotStrictEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { KubernetesObject } from "../api/object.ts";
import { KIND_NAMES, Store } from "./store.ts";

const service = (name: string, resourceVersion?: string, uid = name): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default", ...(resourceVersion && { resourceVersion, uid }) },
});

/** Whether a change waits to be looked at; a busy machine may take its time, unless none is expected. */
async function changed(store: Store, patience = 10_000): Promise<boolean> {
  return await store.changed(AbortSignal.timeout(patience)).then(() => true, () => false);
}

Deno.test("Store.notify() makes it look changed, with the same snapshot", async () => {
  const store = new Store({ quiet: 0 });
  const before = store.snapshot();
  store.notify();
  await store.changed(AbortSignal.timeout(60_000));
  assertEquals(store.snapshot() === before, true);
});

Deno.test("Store.snapshot() stays as it was when objects change", () => {
  const store = new Store();
  store.set("Service", service("a"));
  const before = store.snapshot();
  store.set("Service", service("b"));
  store.delete("Service", "default/a");
  assertEquals([...before.Service.keys()], ["default/a"]);
  assertEquals([...store.snapshot().Service.keys()], ["default/b"]);
});

Deno.test("Store.snapshot() is the same while nothing changes, and shares the maps of kinds that did not", () => {
  const store = new Store();
  store.set("Service", service("a"));
  const before = store.snapshot();
  assertStrictEquals(store.snapshot(), before);
  store.set("Service", service("b"));
  const after = store.snapshot();
  assertNotStrictEquals(after.Service, before.Service);
  assertStrictEquals(after.Gateway, before.Gateway);
});

Deno.test("Store.set() takes the same version of an object for no change", async () => {
  const store = new Store({ quiet: 0 });
  const first = service("a", "1");
  store.set("Service", first);
  assertEquals(await changed(store), true);
  store.set("Service", service("a", "1"));
  assertStrictEquals(store.get("Service", "default/a"), first);
  assertEquals(await changed(store, 30), false);
});

Deno.test("Store.set() takes a new object of an old name for a change", () => {
  const store = new Store();
  store.set("Service", service("a", "1", "first"));
  const second = service("a", "1", "second");
  store.set("Service", second);
  assertStrictEquals(store.get("Service", "default/a"), second);
});

Deno.test("Store.delete() takes an absent object for no change", async () => {
  const store = new Store({ quiet: 0 });
  store.delete("Service", "default/a");
  assertEquals(await changed(store, 30), false);
});

Deno.test("Store.replace() drops what is not in the list and keeps the identity of what is unchanged", () => {
  const store = new Store();
  const kept = service("kept", "1");
  store.replace("Service", [kept, service("gone", "2")]);
  store.replace("Service", [service("kept", "1"), service("new", "3")]);
  assertEquals([...store.snapshot().Service.keys()], ["default/kept", "default/new"]);
  assertStrictEquals(store.get("Service", "default/kept"), kept);
});

Deno.test("Store.synced() resolves when the last kind was read, even if that is empty", async () => {
  const store = new Store({ quiet: 0 });
  const synced = store.synced(new AbortController().signal);
  for (const kind of KIND_NAMES.slice(1)) store.replace(kind, []);
  assertEquals(store.isSynced, false);
  store.markSynced(KIND_NAMES[0]!);
  await synced;
  assertEquals(store.isSynced, true);
});

Deno.test("Store.synced() rejects with the signal's reason", async () => {
  const store = new Store();
  const stop = new AbortController();
  const synced = store.synced(stop.signal);
  stop.abort(new Error("enough"));
  await assertRejects(() => synced, Error, "enough");
});

Deno.test("Store.changed() hands many changes out as one", async () => {
  const store = new Store({ quiet: 1 });
  for (let index = 0; index < 100; index++) store.set("Service", service(`s${index}`));
  assertEquals(await changed(store), true);
  assertEquals(await changed(store, 30), false);
});

Deno.test("Store.isTerminating() is true of a namespace that is being deleted, and of no other", () => {
  const store = new Store();
  const namespace = (name: string, more: object): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, ...more },
  });
  store.set("Namespace", namespace("going", { deletionTimestamp: "2026-01-01T00:00:00Z" }));
  store.set("Namespace", namespace("staying", {}));
  assertEquals(["going", "staying", "unknown", undefined].map((name) => store.isTerminating(name)), [
    true,
    false,
    false,
    false,
  ]);
});
