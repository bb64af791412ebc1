// SPDX-License-Identifier: Apache-2.0

// Archives are read back with tar(1), as a container engine would read them.

import { assertEquals, assertMatch } from "@std/assert";
import { runOrThrow } from "../../controlplane/tasks/command.ts";
import { type Image, writeImage } from "./archive.ts";

async function withImage(body: (image: Image, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-image-" });
  try {
    await Deno.writeTextFile(`${folder}/program`, "#!/bin/sh\n", { mode: 0o700 });
    await Deno.writeTextFile(`${folder}/data`, "x".repeat(600), { mode: 0o600 });
    await body({
      reference: "example.com/a:1",
      files: [
        { path: "/usr/bin/program", source: `${folder}/program` },
        { path: "/data", source: `${folder}/data` },
      ],
      entrypoint: ["/usr/bin/program"],
      env: { HOME: "/" },
      user: "7:8",
    }, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("writeImage() writes one layer with every file, readable to all and owned by user 0", async () => {
  await withImage(async (image, folder) => {
    await writeImage(image, `${folder}/a.tar`);
    await runOrThrow(["tar", "-xf", "a.tar"], { cwd: folder });
    const listing = await runOrThrow(["tar", "--numeric-owner", "-tvf", "layer.tar"], { cwd: folder });
    assertEquals(
      listing.trim().split("\n").map((line) => {
        const [mode, owner, size, , , path] = line.split(/\s+/);
        return [mode, owner, size, path].join(" ");
      }),
      [
        "-rw-r--r-- 0/0 600 data",
        "drwxr-xr-x 0/0 0 usr/",
        "drwxr-xr-x 0/0 0 usr/bin/",
        "-rwxr-xr-x 0/0 10 usr/bin/program",
      ],
    );
    assertEquals(await runOrThrow(["tar", "-xOf", "layer.tar", "data"], { cwd: folder }), "x".repeat(600));
  });
});

Deno.test("writeImage() names the layer by its digest, and the configuration in the manifest", async () => {
  await withImage(async (image, folder) => {
    await writeImage(image, `${folder}/a.tar`);
    await runOrThrow(["tar", "-xf", "a.tar"], { cwd: folder });
    const [manifest] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
    assertEquals([manifest.RepoTags, manifest.Layers], [["example.com/a:1"], ["layer.tar"]]);
    const config = JSON.parse(await Deno.readTextFile(`${folder}/${manifest.Config}`));
    const [digest] = (await runOrThrow(["sha256sum", "layer.tar"], { cwd: folder })).split(" ");
    assertEquals(config.rootfs, { type: "layers", diff_ids: [`sha256:${digest}`] });
    assertEquals(config.config, {
      Entrypoint: ["/usr/bin/program"],
      Env: ["PATH=/usr/bin:/bin", "HOME=/"],
      Labels: {},
      User: "7:8",
    });
    assertMatch(config.architecture, /^(amd64|arm64)$/);
  });
});

Deno.test("writeImage() makes the same archive of the same files", async () => {
  await withImage(async (image, folder) => {
    await writeImage(image, `${folder}/a.tar`);
    await writeImage({ ...image, files: image.files.toReversed() }, `${folder}/b.tar`);
    await runOrThrow(["cmp", "a.tar", "b.tar"], { cwd: folder });
  });
});
