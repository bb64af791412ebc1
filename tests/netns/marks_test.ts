// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Marks } from "./marks.ts";
import { runCommand } from "./run_command.ts";

Deno.test("Marks.wait() is a command that ends once its mark is set", async () => {
  await using marks = await Marks.create();
  const waits = runCommand(["sh", "-c", `${marks.wait("one")}; echo went on`]);
  await marks.set("other");
  const first = await Promise.race([waits, runCommand(["sleep", "0.3"]).then(() => "still waits")]);
  assertEquals(first, "still waits");
  await marks.set("one");
  assertEquals((await waits).stdout, "went on\n");
});

Deno.test("Marks.wait() ends when the marks are gone", async () => {
  let waits;
  {
    await using marks = await Marks.create();
    waits = runCommand(["sh", "-c", marks.wait("never")]);
  }
  assertEquals((await waits).code, 0);
});
