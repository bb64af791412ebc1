// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Kind } from "../../api/snapshot.ts";
import type { Clock } from "../../clock.ts";
import { Store } from "../../store/store.ts";
import { ApiClient } from "./api_client.ts";
import { Reflector } from "./reflector.ts";
import { type Exchange, ScriptedServer } from "./scripted_server.ts";
import { Trouble } from "./trouble.ts";

/** Waits of a minute and more are time limits and do not end by themselves; shorter ones end at once and are kept. */
class InstantClock implements Clock {
  readonly pauses: number[] = [];
  readonly #limits: { readonly milliseconds: number; readonly end: () => void }[] = [];
  #now = 0;

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (milliseconds < 60_000) {
      this.pauses.push(milliseconds);
      this.#now += milliseconds;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#limits.push({ milliseconds, end: resolve });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  /** Lets time limits of that length run out. */
  runOut(milliseconds: number): void {
    this.#now += milliseconds;
    for (const limit of this.#limits) if (limit.milliseconds === milliseconds) limit.end();
  }
}

const service = (name: string, version: string, more: object = {}): Record<string, unknown> => ({
  metadata: { name, namespace: "default", uid: name, resourceVersion: version, ...more },
});
const event = (type: string, name: string, version: string): unknown => ({
  type,
  object: { apiVersion: "v1", kind: "Service", ...service(name, version) },
});
const list = (version: string, items: readonly unknown[], token?: string): unknown => ({
  metadata: { resourceVersion: version, ...(token && { continue: token }) },
  items,
});

const LIST = "GET /api/v1/services?limit=500";
/** timeoutSeconds is 300 times 1.5, for random numbers of a half. */
const watch = (version: string): string =>
  `GET /api/v1/services?watch=true&allowWatchBookmarks=true&resourceVersion=${version}&timeoutSeconds=450`;

interface Outcome {
  readonly store: Store;
  readonly clock: InstantClock;
  readonly log: string[];
  readonly presence: [Kind, boolean][];
  /** How many watches ended. */
  watchEnds: number;
}

/** Runs a reflector of Services against the script, until the script is at its end and the condition holds. */
async function reflect(
  script: readonly Exchange[],
  holds: (outcome: Outcome) => boolean = () => true,
  during: (outcome: Outcome) => void = () => {},
): Promise<Outcome> {
  await using server = new ScriptedServer(script);
  const outcome: Outcome = {
    store: new Store({ quiet: 0 }),
    clock: new InstantClock(),
    log: [],
    presence: [],
    watchEnds: 0,
  };
  const { store, clock, log, presence } = outcome;
  const client = new ApiClient({ url: server.url, credentials: () => Promise.resolve({ headers: {} }) });
  const reflector = new Reflector({
    kind: "Service",
    client,
    store,
    clock,
    trouble: new Trouble((line) => log.push(line.replaceAll(server.url, "http://server"))),
    onPresence: (kind, present) => presence.push([kind, present]),
    onWatchEnd: () => void outcome.watchEnds++,
    random: () => 0.5,
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  try {
    during(outcome);
    await server.finished();
    for (let turn = 0; turn < 500 && !holds(outcome); turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assertEquals(holds(outcome), true, "the condition holds within 2.5 s");
  } finally {
    stop.abort();
    await running;
    client.close();
  }
  return outcome;
}

const names = ({ store }: Outcome): string[] => [...store.snapshot().Service.keys()];

Deno.test("Reflector lists page by page, then watches from the list's resourceVersion", async () => {
  const outcome = await reflect([
    { request: LIST, json: list("10", [service("a", "3")], "next") },
    { request: `${LIST}&continue=next`, json: list("10", [service("b", "4")]) },
    { request: watch("10"), open: true },
  ]);
  assertEquals(names(outcome), ["default/a", "default/b"]);
  assertEquals(
    outcome.store.get("Service", "default/a")?.kind,
    "Service",
    "the kind that items of a list lack",
  );
});

Deno.test("Reflector leaves out managedFields", async () => {
  const { store } = await reflect([
    { request: LIST, json: list("10", [service("a", "3", { managedFields: [{}] })]) },
    { request: watch("10"), open: true },
  ]);
  assertEquals(store.get("Service", "default/a")?.metadata, {
    name: "a",
    namespace: "default",
    uid: "a",
    resourceVersion: "3",
  });
});

Deno.test("Reflector takes events in, and resumes after the last one when the watch ends", async () => {
  const outcome = await reflect([
    { request: LIST, json: list("10", [service("a", "3"), service("b", "4")]) },
    {
      request: watch("10"),
      lines: [event("ADDED", "c", "11"), event("DELETED", "a", "12"), event("MODIFIED", "b", "13")],
    },
    { request: watch("13"), open: true },
  ]);
  assertEquals(names(outcome), ["default/b", "default/c"]);
  assertEquals(outcome.store.get("Service", "default/b")?.metadata.resourceVersion, "13");
  assertEquals(outcome.watchEnds, 1, "the one that the test ends is not counted");
});

Deno.test("Reflector resumes after a bookmark", async () => {
  await reflect([
    { request: LIST, json: list("10", []) },
    {
      request: watch("10"),
      lines: [{ type: "BOOKMARK", object: { kind: "Service", metadata: { resourceVersion: "99" } } }],
    },
    { request: watch("99"), open: true },
  ]);
});

Deno.test("Reflector lists again when its resourceVersion has expired, as the answer or as an event", async () => {
  const gone = { type: "ERROR", object: { kind: "Status", code: 410, message: "too old" } };
  const outcome = await reflect([
    { request: LIST, json: list("10", [service("a", "3"), service("b", "4")]) },
    { request: watch("10"), lines: [gone] },
    { request: LIST, json: list("20", [service("a", "3"), service("b", "5")]) },
    { request: watch("20"), status: 410, json: { message: "too old" } },
    { request: LIST, json: list("30", [service("a", "3")]) },
    { request: watch("30"), open: true },
  ]);
  assertEquals(names(outcome), ["default/a"]);
});

Deno.test("Reflector keeps the identity of objects that a new list brings unchanged", async () => {
  const seen: unknown[] = [];
  await reflect([
    { request: LIST, json: list("10", [service("a", "3")]) },
    { request: watch("10"), status: 410, json: { message: "too old" } },
    { request: LIST, json: list("20", [service("a", "3"), service("b", "4")]) },
    { request: watch("20"), open: true },
  ], ({ store }) => {
    seen.push(store.get("Service", "default/a"));
    return names({ store } as Outcome).length === 2;
  }, ({ store }) => {
    store.changed(AbortSignal.timeout(60_000)).then(() => seen.push(store.get("Service", "default/a")));
  });
  assertStrictEquals(seen[0], seen.at(-1));
  assertEquals(seen[0] !== undefined, true);
});

Deno.test("Reflector begins a list anew when it expires between two pages", async () => {
  const outcome = await reflect([
    { request: LIST, json: list("10", [service("a", "3")], "next") },
    { request: `${LIST}&continue=next`, status: 410, json: { message: "continue token expired" } },
    { request: LIST, json: list("20", [service("b", "4")]) },
    { request: watch("20"), open: true },
  ]);
  assertEquals(names(outcome), ["default/b"]);
});

Deno.test("Reflector takes nothing away while the server is in trouble, waits longer and longer, and says it once", async () => {
  const broken: Exchange = { request: watch("10"), status: 500, json: { message: "etcd is away" } };
  const outcome = await reflect([
    { request: LIST, json: list("10", [service("a", "3")]) },
    ...Array<Exchange>(7).fill(broken),
    { request: watch("10"), lines: [event("ADDED", "b", "11")], open: true },
  ], (outcome) => names(outcome).length === 2);
  assertEquals(outcome.clock.pauses, [75, 150, 300, 600, 1_200, 2_400, 3_750]);
  assertEquals(outcome.log, [
    "API server refused GET /api/v1/services: etcd is away (500)",
    "Over: API server refused GET /api/v1/services: etcd is away (500)",
  ]);
});

Deno.test("Reflector waits at least as long as the server asks", async () => {
  const { clock } = await reflect([
    { request: LIST, status: 429, headers: { "retry-after": "7" }, json: { message: "too many requests" } },
    { request: LIST, json: list("10", []) },
    { request: watch("10"), open: true },
  ]);
  assertEquals(clock.pauses, [7_000]);
});

Deno.test("Reflector resumes after a line that is no JSON, from the last event before it", async () => {
  const outcome = await reflect([
    { request: LIST, json: list("10", []) },
    { request: watch("10"), lines: [event("ADDED", "a", "11"), '{"type":"ADD', event("ADDED", "b", "12")] },
    { request: watch("11"), lines: [event("ADDED", "b", "12")], open: true },
  ], (outcome) => names(outcome).length === 2);
  assertEquals(outcome.log[0]?.startsWith("Watch of Service brought a line that is no JSON"), true);
});

Deno.test("Reflector passes over half a line at the end of a watch that was cut", async () => {
  const half = JSON.stringify(event("ADDED", "b", "12")).slice(0, 30);
  await reflect([
    { request: LIST, json: list("10", []) },
    { request: watch("10"), text: `${JSON.stringify(event("ADDED", "a", "11"))}\n${half}` },
    { request: watch("11"), open: true },
  ]);
});

Deno.test("Reflector waits quietly for a kind that the server does not have, and counts it as synced", async () => {
  const absent: Exchange = { request: LIST, status: 404, json: { message: "the server could not find it" } };
  const outcome = await reflect([
    absent,
    absent,
    absent,
    { request: LIST, json: list("10", [service("a", "3")]) },
    { request: watch("10"), open: true },
  ]);
  assertEquals(outcome.presence, [["Service", false], ["Service", true]]);
  assertEquals(outcome.log, []);
  assertEquals(outcome.clock.pauses, [3_750, 3_750, 3_750]);
  assertEquals(names(outcome), ["default/a"]);
});

Deno.test("Reflector gives up a watch on which nothing is heard for three minutes, and resumes", async () => {
  const outcome = await reflect(
    [
      { request: LIST, json: list("10", []) },
      { request: watch("10"), lines: [event("ADDED", "a", "11")], open: true },
      { request: watch("11"), open: true },
    ],
    () => true,
    ({ store, clock }) => {
      const poll = setInterval(() => {
        if (!store.snapshot().Service.has("default/a")) return;
        clearInterval(poll);
        clock.runOut(180_000);
      }, 5);
    },
  );
  assertEquals(outcome.log, []);
  assertEquals(outcome.clock.pauses, [], "a watch that lasted is followed by the next at once");
});

Deno.test("Reflector says that a server cannot be reached, with the reason", async () => {
  const log: string[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const client = new ApiClient({ url, credentials: () => Promise.resolve({ headers: {} }) });
  const stop = new AbortController();
  const clock = new InstantClock();
  const store = new Store();
  const trouble = new Trouble((line) => {
    log.push(line);
    stop.abort();
  });
  await new Reflector({ kind: "Service", client, store, clock, trouble }).run(stop.signal);
  client.close();
  assertEquals(log[0]?.startsWith(`API server ${url} cannot be reached: `), true, log[0]);
  assertEquals(log[0]?.includes("refused"), true, log[0]);
  assertEquals(store.isSynced, false);
});
