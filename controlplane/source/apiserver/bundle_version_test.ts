// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ManualClock } from "../../manual_clock.ts";
import { ApiClient } from "./api_client.ts";
import { BundleVersion } from "./bundle_version.ts";
import { type Exchange, ScriptedServer } from "./scripted_server.ts";
import { Trouble } from "./trouble.ts";

const GET =
  "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io";
const crd = (annotations: unknown): unknown => ({
  metadata: { name: "gatewayclasses.gateway.networking.k8s.io", annotations },
});

/** Lets a BundleVersion at a server that answers as the script says. */
async function withScript(
  script: readonly Exchange[],
  use: (bundle: BundleVersion, changes: (string | undefined)[], signal: AbortSignal) => Promise<void>,
): Promise<string[]> {
  await using server = new ScriptedServer(script);
  const client = new ApiClient({ url: server.url, credentials: () => Promise.resolve({ headers: {} }) });
  const log: string[] = [];
  const changes: (string | undefined)[] = [];
  const clock = new ManualClock();
  const stop = new AbortController();
  const going = setInterval(() => clock.advance(1_000), 5);
  try {
    const trouble = new Trouble((line) => log.push(line));
    const onChange = (): void => void changes.push(bundle.value);
    const bundle = new BundleVersion({ client, trouble, onChange, clock, random: () => 0 });
    await use(bundle, changes, stop.signal);
    await server.finished();
    return log;
  } finally {
    stop.abort();
    clearInterval(going);
    client.close();
  }
}

async function read(script: readonly Exchange[]): Promise<{ value: unknown; log: string[] }> {
  let value: unknown = "never read";
  const log = await withScript(script, async (bundle, _, signal) => {
    await bundle.read(signal);
    value = bundle.value;
  });
  return { value, log };
}

const versionIs = (version: string): Exchange => ({
  request: GET,
  json: crd({ "gateway.networking.k8s.io/bundle-version": version }),
});

Deno.test("BundleVersion.read() reads the bundle version of the cluster's CRDs", async () => {
  assertEquals((await read([versionIs("v1.6.3")])).value, "v1.6.3");
});

Deno.test("BundleVersion.read() has no version where the server lacks it or will not say", async () => {
  assertEquals((await read([{ request: GET, json: crd(undefined) }])).value, undefined);
  assertEquals(await read([{ request: GET, status: 404, json: {} }]), { value: undefined, log: [] });
  assertEquals(await read([{ request: GET, status: 403, json: {} }]), { value: undefined, log: [] });
});

Deno.test("BundleVersion.read() waits for a server that is in trouble, and says so", async () => {
  const broken = { request: GET, status: 500, json: { message: "starting" } };
  const { value, log } = await read([broken, broken, { request: GET, json: crd({}) }]);
  assertEquals(value, undefined);
  assertEquals(log, [
    `API server refused ${GET}: starting (500)`,
    `Over: API server refused ${GET}: starting (500)`,
  ]);
});

Deno.test("BundleVersion.read() tells of a version that is another, and of no other", async () => {
  const script = [versionIs("v1.5.0"), versionIs("v1.5.0"), { request: GET, status: 404, json: {} }];
  await withScript(script, async (bundle, changes, signal) => {
    for (const _ of script) await bundle.read(signal);
    assertEquals(changes, ["v1.5.0", undefined]);
  });
});

Deno.test("BundleVersion.run() reads again after a look()", async () => {
  await withScript([versionIs("v1.5.0"), versionIs("v1.6.3")], async (bundle, changes, signal) => {
    const stop = new AbortController();
    const running = bundle.run(AbortSignal.any([signal, stop.signal]));
    for (const expected of [["v1.5.0"], ["v1.5.0", "v1.6.3"]]) {
      bundle.look();
      while (changes.length < expected.length) await new Promise((resolve) => setTimeout(resolve, 1));
      assertEquals(changes, expected);
    }
    stop.abort();
    await running;
  });
});
