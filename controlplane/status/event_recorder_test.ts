// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { KubernetesObject } from "../api/object.ts";
import { nameHash } from "../api/short_name.ts";
import type { Kind } from "../api/snapshot.ts";
import { ManualClock } from "../manual_clock.ts";
import { ApiClient } from "../source/apiserver/api_client.ts";
import { type Exchange, ScriptedServer } from "../source/apiserver/scripted_server.ts";
import { Trouble } from "../source/apiserver/trouble.ts";
import { Store } from "../store/store.ts";
import type { Notice } from "../translate/translation.ts";
import { EventRecorder } from "./event_recorder.ts";

const notice: Notice = {
  kind: "Service",
  key: "default/echo",
  reason: "NoEndpoints",
  message: "Service default/echo has none",
};

/** Follows from the object's uid and the notice. */
const NAME = `echo.${nameHash("u Service default/echo: NoEndpoints: Service default/echo has none")}`;

const event = (time: string): unknown => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: NAME, namespace: "default" },
  involvedObject: {
    apiVersion: "v1",
    kind: "Service",
    name: "echo",
    namespace: "default",
    uid: "u",
    resourceVersion: "7",
  },
  type: "Warning",
  reason: "NoEndpoints",
  message: "Service default/echo has none",
  source: { component: "blixt" },
  reportingComponent: "gateway.networking.k8s.io/blixt",
  firstTimestamp: time,
  lastTimestamp: time,
  count: 1,
});
const created = { metadata: { name: NAME } };
const POST = "POST /api/v1/namespaces/default/events";
const PATCH = `PATCH /api/v1/namespaces/default/events/${NAME}`;

/** Sets the notices at the given times, in milliseconds, and checks what the server is asked. */
async function record(
  script: readonly Exchange[],
  steps: readonly { readonly at: number; readonly notices: readonly Notice[] }[],
  others: readonly [Kind, KubernetesObject][] = [],
): Promise<string[]> {
  await using server = new ScriptedServer(script);
  const client = new ApiClient({ url: server.url, credentials: () => Promise.resolve({ headers: {} }) });
  const store = new Store();
  const metadata = { name: "echo", namespace: "default", uid: "u", resourceVersion: "7" };
  store.set("Service", { apiVersion: "v1", kind: "Service", metadata });
  for (const [kind, object] of others) store.set(kind, object);
  const clock = new ManualClock();
  const log: string[] = [];
  const recorder = new EventRecorder({
    client,
    store,
    clock,
    trouble: new Trouble((line) => log.push(line)),
  });
  const stop = new AbortController();
  for (const { at, notices } of steps) {
    await clock.advance(at - clock.now());
    recorder.set(notices, stop.signal);
    await recorder.settled();
  }
  if (script.length > 0) await server.finished();
  assertEquals(server.unexpected, []);
  stop.abort();
  client.close();
  return log;
}

Deno.test("EventRecorder writes an Event when a notice begins to hold, and none while it holds on", async () => {
  await record([{ request: POST, body: event("1970-01-01T00:00:00Z"), json: created }], [
    { at: 0, notices: [notice] },
    { at: 120_000, notices: [notice] },
  ]);
});

Deno.test("EventRecorder is silent about a notice that comes and goes within a minute", async () => {
  await record([{ request: POST, body: event("1970-01-01T00:00:00Z"), json: created }], [
    { at: 0, notices: [notice] },
    { at: 1_000, notices: [] },
    { at: 59_000, notices: [notice] },
  ]);
});

Deno.test("EventRecorder counts the Event of a notice that comes back later up", async () => {
  await record([
    { request: POST, body: event("1970-01-01T00:00:00Z"), json: created },
    { request: PATCH, body: { count: 2, lastTimestamp: "1970-01-01T00:01:30Z" }, json: {} },
  ], [
    { at: 0, notices: [notice] },
    { at: 1_000, notices: [] },
    { at: 90_000, notices: [notice] },
  ]);
});

Deno.test("EventRecorder counts an Event up although the clock was set back meanwhile", async () => {
  await record([
    { request: POST, body: event("1970-01-01T02:00:00Z"), json: created },
    { request: PATCH, body: { count: 2, lastTimestamp: "1970-01-01T01:00:00Z" }, json: {} },
  ], [
    { at: 7_200_000, notices: [notice] },
    { at: 7_201_000, notices: [] },
    { at: 3_600_000, notices: [notice] },
  ]);
});

Deno.test("EventRecorder writes a new Event when the server has forgotten the old one", async () => {
  await record([
    { request: POST, body: event("1970-01-01T00:00:00Z"), json: created },
    { request: PATCH, body: { count: 2, lastTimestamp: "1970-01-01T02:00:00Z" }, status: 404, json: {} },
    { request: POST, body: event("1970-01-01T02:00:00Z"), json: created },
  ], [
    { at: 0, notices: [notice] },
    { at: 1_000, notices: [] },
    { at: 7_200_000, notices: [notice] },
  ]);
});

Deno.test("EventRecorder leaves an Event of an earlier control plane as it is, and counts on from there", async () => {
  await record([
    { request: POST, body: event("1970-01-01T00:00:00Z"), status: 409, json: { message: "already exists" } },
    { request: PATCH, body: {}, json: { ...created, count: 4 } },
    { request: PATCH, body: { count: 5, lastTimestamp: "1970-01-01T00:01:30Z" }, json: {} },
  ], [
    { at: 0, notices: [notice] },
    { at: 1_000, notices: [] },
    { at: 90_000, notices: [notice] },
  ]);
});

Deno.test("EventRecorder says nothing about an object that is gone", async () => {
  await record([], [{ at: 0, notices: [{ ...notice, key: "default/gone" }] }]);
});

Deno.test("EventRecorder says nothing in a namespace that is being deleted", async () => {
  const metadata = { name: "default", deletionTimestamp: "2026-01-01T00:00:00Z" };
  await record([], [{ at: 0, notices: [notice] }], [
    ["Namespace", { apiVersion: "v1", kind: "Namespace", metadata }],
  ]);
});

Deno.test("EventRecorder tries once, and says when it may not", async () => {
  const refused = {
    request: POST,
    body: event("1970-01-01T00:00:00Z"),
    status: 403,
    json: { message: "no" },
  };
  const log = await record([refused], [{ at: 0, notices: [notice] }]);
  assertEquals(log, [`An Event cannot be written: API server refused ${POST}: no (403)`]);
});
