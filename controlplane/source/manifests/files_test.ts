// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import { ManifestFiles } from "./files.ts";

/** A folder with one file. */
async function withFile(
  run: (path: string, read: () => Promise<(string | undefined)[]>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.yaml`, "first");
    const files = new ManifestFiles(folder);
    await run(`${folder}/a.yaml`, async () => (await files.read()).map(({ text }) => text));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ManifestFiles.read() does not take a file for empty that is just being written", () =>
  withFile(async (path, read) => {
    assertEquals(await read(), ["first"]);
    await Deno.writeTextFile(path, "");
    assertEquals(await read(), ["first"]);
    await Deno.writeTextFile(path, "second");
    assertEquals(await read(), ["second"]);
  }));

Deno.test("ManifestFiles.read() takes a file for empty that is so twice, and one that was never anything else", () =>
  withFile(async (path, read) => {
    assertEquals(await read(), ["first"]);
    await Deno.writeTextFile(path, "");
    await Deno.writeTextFile(path.replace("a.yaml", "b.yaml"), "");
    assertEquals([await read(), await read(), await read()], [["first", ""], ["", ""], ["", ""]]);
  }));

Deno.test("ManifestFiles.read() takes a file that went away for gone at once", () =>
  withFile(async (path, read) => {
    assertEquals(await read(), ["first"]);
    await Deno.remove(path);
    assertEquals(await read(), []);
  }));

Deno.test("ManifestFiles.read() gives the same object for a file that did not change", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.yaml`, "text");
    const files = new ManifestFiles(folder);
    const [first, second] = [await files.read(), await files.read()];
    assertStrictEquals(first[0], second[0]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
