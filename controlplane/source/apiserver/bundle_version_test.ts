// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ManualClock } from "../../manual_clock.ts";
import { ApiClient } from "./api_client.ts";
import { readTranslateOptions } from "./bundle_version.ts";
import { type Exchange, ScriptedServer } from "./scripted_server.ts";
import { Trouble } from "./trouble.ts";

const GET =
  "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io";
const crd = (annotations: unknown): unknown => ({
  metadata: { name: "gatewayclasses.gateway.networking.k8s.io", annotations },
});

async function ask(script: readonly Exchange[]): Promise<{ options: unknown; log: string[] }> {
  await using server = new ScriptedServer(script);
  const client = new ApiClient({ url: server.url, credentials: () => Promise.resolve({ headers: {} }) });
  const log: string[] = [];
  const clock = new ManualClock();
  const going = setInterval(() => clock.advance(1_000), 5);
  try {
    const trouble = new Trouble((line) => log.push(line));
    const options = await readTranslateOptions(
      { client, trouble, clock, random: () => 0 },
      new AbortController().signal,
    );
    await server.finished();
    return { options, log };
  } finally {
    clearInterval(going);
    client.close();
  }
}

Deno.test("readTranslateOptions() reads the bundle version of the cluster's CRDs", async () => {
  const json = crd({ "gateway.networking.k8s.io/bundle-version": "v1.6.3" });
  assertEquals((await ask([{ request: GET, json }])).options, { bundleVersion: "v1.6.3" });
});

Deno.test("readTranslateOptions() leaves out what the server lacks or will not say", async () => {
  assertEquals((await ask([{ request: GET, json: crd(undefined) }])).options, {});
  assertEquals(await ask([{ request: GET, status: 404, json: {} }]), { options: {}, log: [] });
  assertEquals(await ask([{ request: GET, status: 403, json: {} }]), { options: {}, log: [] });
});

Deno.test("readTranslateOptions() waits for a server that is in trouble, and says so", async () => {
  const broken = { request: GET, status: 500, json: { message: "starting" } };
  const { options, log } = await ask([broken, broken, { request: GET, json: crd({}) }]);
  assertEquals(options, {});
  assertEquals(log, [
    `API server refused ${GET}: starting (500)`,
    `Over: API server refused ${GET}: starting (500)`,
  ]);
});
