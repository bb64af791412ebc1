// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ManifestFolder } from "./manifest_folder.ts";

Deno.test("ManifestFolder.edit() changes the copy and not the sample", async () => {
  await using one = await ManifestFolder.copyOf("bare-host");
  await using two = await ManifestFolder.copyOf("bare-host");
  await one.edit("tcp-route.yaml", /weight: 80$/, "weight: 5");
  assert((await one.read("tcp-route.yaml")).includes("weight: 5\n"));
  assert((await two.read("tcp-route.yaml")).includes("weight: 80\n"));
});

Deno.test("ManifestFolder.edit() refuses an edit that changes nothing", async () => {
  await using folder = await ManifestFolder.copyOf("bare-host");
  await assertRejects(() => folder.edit("tcp-route.yaml", /weight: 81$/, ""), Error, "nothing that matches");
});

Deno.test("ManifestFolder goes away with its last use", async () => {
  let path: string;
  {
    await using folder = await ManifestFolder.copyOf("bare-host");
    path = folder.path;
    await folder.write("extra.yaml", "");
    await folder.remove("gateway.yaml");
    const names = [...Deno.readDirSync(path)].map(({ name }) => name);
    assertEquals([names.includes("extra.yaml"), names.includes("gateway.yaml")], [true, false]);
  }
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("ManifestFolder.copyOf() removes what a killed run left, and nothing of a living one", async () => {
  await using living = await ManifestFolder.copyOf("bare-host");
  // Process ids end at 4,194,304 (PID_MAX_LIMIT), so this owner is gone.
  const left = living.path.replace(/bx-.*/, "bx-4194305x1x0-manifests");
  await Deno.mkdir(left, { recursive: true });
  await using _next = await ManifestFolder.copyOf("bare-host");
  await assertRejects(() => Deno.stat(left), Deno.errors.NotFound);
  assert((await Deno.stat(living.path)).isDirectory);
});
