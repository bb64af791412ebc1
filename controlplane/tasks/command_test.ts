// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { findProgram, lastLines, run, runOrThrow, searchPath } from "./command.ts";

Deno.test("searchPath() adds the usual folders behind the user's own and the project's tools before them", () => {
  assertEquals(
    searchPath("/usr/bin:/bin", "/home/me", "/cache/tools"),
    "/cache/tools/bin:/usr/bin:/bin:/home/me/.cargo/bin:/usr/local/go/bin:/usr/sbin:/sbin",
  );
});

Deno.test("searchPath() repeats nothing", () => {
  const once = searchPath("/usr/bin", "/home/me", "/cache/tools");
  assertEquals(searchPath(once, "/home/me", "/cache/tools"), once);
});

Deno.test("findProgram() skips folders that lack it and files that cannot be run", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/sh`, "", { mode: 0o600 });
    assertEquals(await findProgram("sh", `/nonexistent:${folder}:/bin`), "/bin/sh");
    assertEquals(await findProgram("sh", folder), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("run() gives the exit code and keeps standard output apart", async () => {
  const { code, stdout, output } = await run(["sh", "-c", "echo out; echo err >&2; exit 7"]);
  assertEquals({ code, stdout }, { code: 7, stdout: "out\n" });
  assertStringIncludes(output, "err\n");
  assertStringIncludes(output, "out\n");
});

Deno.test("run() hands over input, folder and environment", async () => {
  const { stdout } = await run(["sh", "-c", "cat; pwd; echo $COLOUR"], {
    input: "in ",
    cwd: "/usr",
    env: { COLOUR: "blue" },
  });
  assertEquals(stdout, "in /usr\nblue\n");
});

Deno.test("run() says which program is not installed", async () => {
  await assertRejects(
    () => run(["no-such-program"]),
    Deno.errors.NotFound,
    "no-such-program is not installed",
  );
});

Deno.test("run() writes both outputs to a log whose folder it makes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const log = `${folder}/new/step.log`;
    await run(["sh", "-c", "echo out; echo err >&2"], { log });
    assertEquals((await Deno.readTextFile(log)).split("\n").sort(), ["", "err", "out"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("runOrThrow() fails with the command, its code and what it wrote last", async () => {
  const error = await assertRejects(() => runOrThrow(["sh", "-c", "seq 100; exit 3"]), Error);
  assertStringIncludes(error.message, "sh -c seq 100; exit 3 ended with code 3");
  assertEquals(error.message.endsWith("99\n100"), true);
  assertEquals(error.message.includes("\n60\n"), false);
});

Deno.test("lastLines() keeps the end and drops trailing empty lines", () => {
  assertEquals(lastLines("a\nb\nc\n\n", 2), "b\nc");
});
