// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { DEBIAN_VERSIONS, fetchDebian } from "./debian_archive.ts";

const VERSION = DEBIAN_VERSIONS["runc"];

/** An archive with some versions of runc once the lists are up to date; answers what was asked of it and said. */
async function fetchFrom(archive: readonly string[], { updated = true } = {}): Promise<string[]> {
  const said: string[] = [];
  await fetchDebian("runc", "/folder", {
    aptGet: (args, folder) => {
      said.push([...args, folder].join(" "));
      return updated && archive.includes(args[1]!) ? Promise.resolve() : Promise.reject(new Error("E: no"));
    },
    update: () => {
      said.push("update");
      updated = true;
      return Promise.resolve();
    },
    warn: (line) => said.push(line),
  });
  return said;
}

Deno.test("fetchDebian() takes the version that is pinned", async () => {
  assertEquals(await fetchFrom([`runc=${VERSION}`, "runc"]), [`download runc=${VERSION} /folder`]);
});

Deno.test("fetchDebian() updates the lists before it gives up", async () => {
  const pinned = `download runc=${VERSION} /folder`;
  assertEquals(await fetchFrom([`runc=${VERSION}`], { updated: false }), [pinned, "update", pinned]);
});

Deno.test("fetchDebian() says so when it takes another version", async () => {
  assertEquals((await fetchFrom(["runc"])).slice(-2), [
    "download runc /folder",
    `runc ${VERSION} is no longer in Debian's archive: the archive's own version is taken`,
  ]);
});

Deno.test("fetchDebian() rejects when there is none, or no pin", async () => {
  await assertRejects(() => fetchFrom([]), Error, "E: no");
  await assertRejects(() => fetchDebian("bash", "/folder"), Error, "bash has no version");
});
