// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Copy } from "./containerfile.ts";
import { parseIgnoreFile, stageFiles } from "./stage_files.ts";

const stageOf = (...copies: Copy[]): Parameters<typeof stageFiles>[0] => ({
  base: "scratch",
  copies,
  env: {},
  labels: {},
  user: "",
  entrypoint: [],
});

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-stage-" });
  try {
    await Deno.mkdir(`${folder}/src/deep`, { recursive: true });
    for (const name of ["deno.json", "src/a.ts", "src/a_test.ts", "src/deep/b.ts"]) {
      await Deno.writeTextFile(`${folder}/${name}`, name);
    }
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("stageFiles() puts files where COPY would: into a folder, under another name, a folder's contents", async () => {
  await withFolder(async (folder) => {
    const files = await stageFiles(
      stageOf(
        { stage: "build", sources: ["/app/deno.json"], destination: "/etc/" },
        { stage: "build", sources: ["/app/deno.json"], destination: "/config" },
        { stage: "build", sources: ["/app/src"], destination: "/code" },
      ),
      { "build:/app": folder },
      parseIgnoreFile("# tests\n**/*_test.ts\n", folder),
    );
    assertEquals(
      files.map(({ path, source }) => [path, source.slice(folder.length)]).sort(),
      [
        ["/code/a.ts", "/src/a.ts"],
        ["/code/deep/b.ts", "/src/deep/b.ts"],
        ["/config", "/deno.json"],
        ["/etc/deno.json", "/deno.json"],
      ],
    );
  });
});

Deno.test("stageFiles() takes the longest stand-in, of the stage that is named", async () => {
  await withFolder(async (folder) => {
    const standIns = {
      "build:/app": "/nowhere",
      "build:/app/code": `${folder}/src`,
      "other:/app": "/nowhere",
    };
    const copy = { stage: "build", sources: ["/app/code/a.ts"], destination: "/a.ts" };
    assertEquals(await stageFiles(stageOf(copy), standIns), [{
      path: "/a.ts",
      source: `${folder}/src/a.ts`,
    }]);
    const unknown = { stage: "third", sources: ["/app/code/a.ts"], destination: "/a.ts" };
    await assertRejects(
      () => stageFiles(stageOf(unknown), standIns),
      Error,
      "Nothing on this machine stands in for third:/app/code/a.ts",
    );
  });
});

Deno.test("parseIgnoreFile() is about one folder, and takes no exceptions", () => {
  const ignores = parseIgnoreFile("target\n\n**/*_test.ts\n", "/r");
  const paths = ["/r/target", "/r/a_test.ts", "/r/a/b_test.ts", "/r/a/target", "/r/a.ts", "/x/a_test.ts"];
  assertEquals(paths.filter(ignores), ["/r/target", "/r/a_test.ts", "/r/a/b_test.ts"]);
  assertThrows(() => parseIgnoreFile("*\n!a\n", "/r"), SyntaxError, "!a");
});
