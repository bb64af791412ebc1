// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ManifestFolder } from "../netns/manifest_folder.ts";
import { readWeights } from "./weights.ts";

Deno.test("readWeights() leads from routes through EndpointSlices to addresses", async () => {
  await using manifests = await ManifestFolder.copyOf("bare-host");
  await manifests.edit("udp-route.yaml", /^ +weight: 80\n/, "");
  const weights = readWeights(await manifests.readAll());
  assertEquals(weights.get("TCP 10.244.0.11"), 80);
  assertEquals(weights.get("TCP 10.244.0.13"), 20);
  assertEquals(weights.get("UDP fd00:10:244::12"), 1);
  assertEquals(weights.size, 12);
});

Deno.test("readWeights() has none for an endpoint that no backendRef leads to", async () => {
  await using manifests = await ManifestFolder.copyOf("bare-host");
  await manifests.edit("tcp-route.yaml", /name: echo-canary$/, "name: missing");
  assertEquals(readWeights(await manifests.readAll()).get("TCP 10.244.0.13"), undefined);
});
