// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { KubernetesObject } from "../../api/object.ts";
import { ApiClient } from "./api_client.ts";
import { Reflector, type ReflectorTarget } from "./reflector.ts";
import { type Exchange, ScriptedServer } from "./scripted_server.ts";
import { Trouble } from "./trouble.ts";

const PATH = "GET /apis/coordination.k8s.io/v1/namespaces/blixt-system/leases";
const LIST = `${PATH}?labelSelector=blixt.x-k8s.io/lease&limit=500`;
const watch = (version: string): string =>
  `${PATH}?labelSelector=blixt.x-k8s.io/lease&watch=true&allowWatchBookmarks=true` +
  `&resourceVersion=${version}&timeoutSeconds=450`;
const list = (version: string): unknown => ({ metadata: { resourceVersion: version }, items: [] });

/** Remembers how often everything was replaced. */
class Counter implements ReflectorTarget<"Lease"> {
  replaced = 0;
  readonly names: string[] = [];

  replace(): void {
    this.replaced++;
  }

  set(_kind: "Lease", { metadata }: KubernetesObject): void {
    this.names.push(metadata.name);
  }

  delete(): void {}
  markSynced(): void {}
}

/** Runs a reflector of Leases against the script. */
async function reflect(
  script: readonly Exchange[],
  body: (reflector: Reflector<"Lease">, store: Counter, signal: AbortSignal) => Promise<void>,
): Promise<Counter> {
  await using server = new ScriptedServer(script);
  const client = new ApiClient({ url: server.url, credentials: () => Promise.resolve({ headers: {} }) });
  const store = new Counter();
  const reflector = new Reflector({
    kind: "Lease",
    namespace: "blixt-system",
    labelSelector: "blixt.x-k8s.io/lease",
    client,
    store,
    trouble: new Trouble(() => {}),
    random: () => 0.5,
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  try {
    await body(reflector, store, AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]));
    await server.finished();
  } finally {
    stop.abort();
    await running;
    client.close();
  }
  return store;
}

/** Waits, at most two seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(holds(), true, "the condition holds within two seconds");
}

Deno.test("Reflector reads one namespace and a selection by label when told so", async () => {
  const lease = { metadata: { name: "blixt", resourceVersion: "11" } };
  const store = await reflect([
    { request: LIST, json: list("10") },
    { request: watch("10"), lines: [{ type: "ADDED", object: lease }], open: true },
  ], (_, store) => until(() => store.names.length === 1));
  assertEquals(store.names, ["blixt"]);
});

Deno.test("Reflector.refresh() ends a watch and resolves when a new list is in the store", async () => {
  const store = await reflect([
    { request: LIST, json: list("10") },
    { request: watch("10"), lines: [], open: true },
    { request: LIST, json: list("20") },
    { request: watch("20"), lines: [], open: true },
  ], async (reflector, store, signal) => {
    await until(() => store.replaced === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await reflector.refresh(signal);
    assertEquals(store.replaced, 2);
  });
  assertEquals(store.replaced, 2);
});

Deno.test("Reflector.refresh() is not content with a list that began before it was asked", async () => {
  const store = await reflect([
    { request: LIST, json: list("10") },
    { request: LIST, json: list("20") },
    { request: watch("20"), lines: [], open: true },
  ], async (reflector, store, signal) => {
    // The first list is under way: run() has begun it before it returned.
    await reflector.refresh(signal);
    assertEquals(store.replaced, 2);
  });
  assertEquals(store.replaced, 2);
});
