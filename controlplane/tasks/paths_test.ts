// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { cacheFolder, layOut, paths } from "./paths.ts";

Deno.test("cacheFolder() is BLIXT_CACHE, or else below the home folder", () => {
  assertEquals(cacheFolder((name) => ({ BLIXT_CACHE: "/var/b", HOME: "/home/me" })[name]), "/var/b");
  assertEquals(cacheFolder((name) => ({ HOME: "/home/me" })[name]), "/home/me/.cache/blixt");
  assertEquals(cacheFolder(() => undefined), "/root/.cache/blixt");
});

Deno.test("layOut() places nothing inside the repository", () => {
  const { repository, ...others } = layOut("/home/me/blixt", "/cache");
  assertEquals(repository, "/home/me/blixt");
  for (const path of Object.values(others)) assertEquals(path.startsWith("/cache"), true, path);
});

Deno.test("paths.repository holds deno.json", async () => {
  assertEquals((await Deno.stat(`${paths.repository}/deno.json`)).isFile, true);
});
