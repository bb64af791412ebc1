// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { KubernetesObject } from "../api/object.ts";
import { nameHash } from "../api/short_name.ts";
import { ManualClock } from "../manual_clock.ts";
import { ApiClient } from "../source/apiserver/api_client.ts";
import { type Exchange, ScriptedServer } from "../source/apiserver/scripted_server.ts";
import { Trouble } from "../source/apiserver/trouble.ts";
import { Store } from "../store/store.ts";
import type { DesiredStatus } from "../translate/translation.ts";
import { ApiServerStatusWriter, statusPatch } from "./api_server_status.ts";

const OURS = "gateway.networking.k8s.io/blixt";
const NOW = "1970-01-01T00:00:00Z";
const PATCH = "PATCH /apis/gateway.networking.k8s.io/v1/namespaces/default/tcproutes/echo/status";

const accepted = { type: "Accepted", status: "True", reason: "Accepted", message: "", observedGeneration: 1 };
const ours = (name: string): unknown => ({
  parentRef: { name },
  controllerName: OURS,
  conditions: [accepted],
});
const written = (name: string): unknown => ({
  parentRef: { name },
  controllerName: OURS,
  conditions: [{ ...accepted, lastTransitionTime: NOW }],
});
const desired = (...parents: unknown[]): DesiredStatus => ({
  kind: "TCPRoute",
  key: "default/echo",
  status: { parents },
});
const route = (resourceVersion: string, status?: unknown): KubernetesObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "TCPRoute",
  metadata: { name: "echo", namespace: "default", uid: "u", resourceVersion },
  ...(status !== undefined && { status }),
});

interface Fixture {
  readonly store: Store;
  readonly writer: ApiServerStatusWriter;
  readonly clock: ManualClock;
  readonly server: ScriptedServer;
  readonly log: string[];
}

/** Runs a writer against the script, which it must have asked for at the end of the body, and nothing more. */
async function withWriter(
  script: readonly Exchange[],
  body: (fixture: Fixture) => Promise<void> | void,
  mayWrite = (): boolean => true,
): Promise<void> {
  await using server = new ScriptedServer(script);
  const client = new ApiClient({ url: server.url, credentials: () => Promise.resolve({ headers: {} }) });
  const store = new Store();
  const clock = new ManualClock();
  const log: string[] = [];
  const trouble = new Trouble((line) => log.push(line));
  const writer = new ApiServerStatusWriter({ client, store, clock, trouble, mayWrite, random: () => 0 });
  const stop = new AbortController();
  const running = writer.run(stop.signal);
  try {
    await body({ store, writer, clock, server, log });
    if (script.length > 0) await server.finished();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(server.unexpected, []);
  } finally {
    stop.abort();
    await running;
    client.close();
  }
}

/** Lets real answers come in until the condition holds, at most two seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(holds(), true, "the condition holds within two seconds");
}

Deno.test("ApiServerStatusWriter writes the fields that differ, guarded by resourceVersion, and puts the answer in the store", async () => {
  const status = { parents: [written("web")] };
  await withWriter([
    { request: PATCH, body: { metadata: { resourceVersion: "7" }, status }, json: route("8", status) },
  ], async ({ store, writer }) => {
    store.set("TCPRoute", route("7"));
    writer.set([desired(ours("web"))], []);
    await until(() => store.get("TCPRoute", "default/echo")?.metadata.resourceVersion === "8");
    writer.set([desired(ours("web"))], []);
  });
});

Deno.test("ApiServerStatusWriter writes nothing when the status says all already", async () => {
  await withWriter([], ({ store, writer }) => {
    store.set("TCPRoute", route("7", { parents: [written("web")] }));
    writer.set([desired(ours("web"))], []);
  });
});

Deno.test("ApiServerStatusWriter keeps the entries of other controllers", async () => {
  const foreign = { parentRef: { name: "web" }, controllerName: "example.com/other", conditions: [] };
  const status = { parents: [foreign, written("web")] };
  await withWriter([
    { request: PATCH, body: { metadata: { resourceVersion: "7" }, status }, json: route("8", status) },
  ], ({ store, writer }) => {
    store.set("TCPRoute", route("7", { parents: [foreign] }));
    writer.set([desired(ours("web"))], []);
  });
});

Deno.test("ApiServerStatusWriter meets a conflict with another try, from what the store has by then", async () => {
  const foreign = { parentRef: { name: "web" }, controllerName: "example.com/other", conditions: [] };
  const merged = { parents: [foreign, written("web")] };
  await withWriter([
    {
      request: PATCH,
      body: { metadata: { resourceVersion: "7" }, status: { parents: [written("web")] } },
      status: 409,
      json: { message: "changed" },
    },
    {
      request: PATCH,
      body: { metadata: { resourceVersion: "8" }, status: merged },
      json: route("9", merged),
    },
  ], async ({ store, writer, clock, log }) => {
    store.set("TCPRoute", route("7"));
    writer.set([desired(ours("web"))], []);
    await until(() => clock.sleeping > 0);
    store.set("TCPRoute", route("8", { parents: [foreign] }));
    await clock.advance(100);
    assertEquals(log, [], "a conflict is nobody's trouble");
  });
});

Deno.test("ApiServerStatusWriter takes its entry from a route that the translation no longer speaks of", async () => {
  await withWriter([
    {
      request: PATCH,
      body: { metadata: { resourceVersion: "7" }, status: { parents: [] } },
      json: route("8", { parents: [] }),
    },
  ], ({ store, writer }) => {
    store.set("TCPRoute", route("7", { parents: [written("web")] }));
    writer.set([], []);
  });
});

Deno.test("ApiServerStatusWriter says once that the server refuses, tries again, and says when it is over", async () => {
  const status = { parents: [written("web")] };
  const refused: Exchange = {
    request: PATCH,
    body: { metadata: { resourceVersion: "7" }, status },
    status: 403,
    json: { message: "no" },
  };
  await withWriter(
    [refused, refused, { ...refused, status: 200, json: route("8", status) }],
    async (fixture) => {
      const { store, writer, clock, log } = fixture;
      store.set("TCPRoute", route("7"));
      writer.set([desired(ours("web"))], []);
      for (const wait of [100, 200]) {
        await until(() => clock.sleeping > 0);
        await clock.advance(wait);
      }
      await until(() => log.length === 2);
      const text = `Status of TCPRoute default/echo cannot be written: API server refused ${PATCH}: no (403)`;
      assertEquals(log, [`${text}`, `Over: ${text}`]);
    },
  );
});

Deno.test("ApiServerStatusWriter does not bring an object back that was deleted while it wrote", async () => {
  const status = { parents: [written("web")] };
  await withWriter([
    { request: PATCH, body: { metadata: { resourceVersion: "7" }, status }, json: route("8", status) },
  ], async ({ store, writer, server }) => {
    store.set("TCPRoute", route("7"));
    writer.set([desired(ours("web"))], []);
    await server.finished();
    store.delete("TCPRoute", "default/echo");
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(store.get("TCPRoute", "default/echo"), undefined);
  });
});

Deno.test("ApiServerStatusWriter writes nothing while it may not", async () => {
  await withWriter([], ({ store, writer }) => {
    store.set("TCPRoute", route("7"));
    writer.set([desired(ours("web"))], [{
      kind: "TCPRoute",
      key: "default/echo",
      reason: "R",
      message: "m",
    }]);
  }, () => false);
});

Deno.test("ApiServerStatusWriter spaces the writes of one object", async () => {
  const status = (name: string): unknown => ({ parents: [written(name)] });
  const write = (from: string, to: string, name: string): Exchange => ({
    request: PATCH,
    body: { metadata: { resourceVersion: from }, status: status(name) },
    json: route(to, status(name)),
  });
  await withWriter([write("7", "8", "a"), write("8", "9", "d")], async ({ store, writer, clock }) => {
    store.set("TCPRoute", route("7"));
    writer.set([desired(ours("a"))], []);
    await until(() => store.get("TCPRoute", "default/echo")?.metadata.resourceVersion === "8");
    for (const name of ["b", "c", "d"]) writer.set([desired(ours(name))], []);
    await until(() => clock.sleeping > 0);
    await clock.advance(100);
  });
});

Deno.test("statusPatch() names what differs, and null for what goes", () => {
  assertEquals(
    statusPatch({ same: [1], old: 1, changed: { a: 1 } }, { same: [1], changed: { a: 2 }, added: 3 }),
    {
      old: null,
      changed: { a: 2 },
      added: 3,
    },
  );
});

Deno.test("ApiServerStatusWriter.setOfNode() writes an Event about its node on every node, whoever writes statuses", async () => {
  const body = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `n1.${nameHash("n Node n1: LimitReached: All of it.")}`, namespace: "default" },
    involvedObject: { apiVersion: "v1", kind: "Node", name: "n1", uid: "n", resourceVersion: "3" },
    type: "Warning",
    reason: "LimitReached",
    message: "All of it.",
    source: { component: "blixt" },
    reportingComponent: OURS,
    firstTimestamp: NOW,
    lastTimestamp: NOW,
    count: 1,
  };
  await withWriter(
    [{ request: "POST /api/v1/namespaces/default/events", body, json: { metadata: { name: "n1.1" } } }],
    ({ store, writer }) => {
      const metadata = { name: "n1", uid: "n", resourceVersion: "3" };
      store.set("Node", { apiVersion: "v1", kind: "Node", metadata });
      const notice = { kind: "Node", key: "n1", reason: "LimitReached", message: "All of it." } as const;
      writer.set([], [{ ...notice, message: "The leader's." }]);
      writer.setOfNode([notice]);
      writer.setOfNode([notice]);
    },
    () => false,
  );
});
