// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { inNetns, runCommand } from "./run_command.ts";

Deno.test("inNetns() leaves a command without a namespace as it is", () => {
  assertEquals(inNetns(undefined, ["ip", "link"]), ["ip", "link"]);
  assertEquals(inNetns("bx-a", ["ip", "link"]), ["nsenter", "--net=/run/netns/bx-a", "ip", "link"]);
});

Deno.test("runCommand() passes input and returns both outputs", async () => {
  const result = await runCommand(["sh", "-c", "cat; echo oops >&2"], { input: "hello" });
  assertEquals(result, { code: 0, stdout: "hello", stderr: "oops\n" });
});

Deno.test("runCommand() throws what a failed command wrote", async () => {
  await assertRejects(() => runCommand(["sh", "-c", "echo no >&2; exit 3"]), Error, "ended with code 3: no");
});

Deno.test("runCommand() returns a failure when it is tolerated", async () => {
  assertEquals((await runCommand(["sh", "-c", "exit 3"], { tolerant: true })).code, 3);
});

Deno.test("runCommand() kills a command that takes too long", async () => {
  await assertRejects(() => runCommand(["sleep", "60"], { timeout: 50 }), Error, "took more than 50 ms");
});
