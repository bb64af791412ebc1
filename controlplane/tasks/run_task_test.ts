// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { run } from "./command.ts";
import { requireRoot } from "./run_task.ts";

async function runTaskWith(body: string): Promise<{ code: number; output: string }> {
  const module = new URL("./run_task.ts", import.meta.url).href;
  const source = `import { runTask, UsageError } from "${module}"; await runTask(async () => { ${body} });`;
  const { code, output } = await run([Deno.execPath(), "eval", source]);
  return { code, output };
}

Deno.test("runTask() turns a failure into one sentence and exit code 1", async () => {
  assertEquals(await runTaskWith(`throw new Error("the disk is full")`), {
    code: 1,
    output: "the disk is full\n",
  });
});

Deno.test("runTask() ends with 64 on a wrong command line, or with the task's own code", async () => {
  assertEquals((await runTaskWith(`throw new UsageError("no such option")`)).code, 64);
  assertEquals((await runTaskWith(`return 3`)).code, 3);
  assertEquals((await runTaskWith(``)).code, 0);
});

Deno.test("requireRoot() lets root pass and tells others to use sudo", () => {
  requireRoot("start", 0);
  assertThrows(() => requireRoot("start", 1000), Error, "deno task start loads programs");
});
