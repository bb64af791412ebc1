// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertRejects } from "@std/assert";
import { readProcess } from "../../controlplane/tasks/process_table.ts";
import { Background } from "./background.ts";

Deno.test("Background.waitForLine() finds lines of both outputs, past and future", async () => {
  await using program = new Background(["sh", "-c", "echo one; sleep 0.1; echo two >&2; sleep 60"]);
  assertEquals(await program.waitForLine(/^two$/, 60_000), "two");
  assertEquals(await program.waitForLine(/^one$/, 60_000), "one");
});

Deno.test("Background.waitForLine() passes over lines before the one it is told", async () => {
  await using program = new Background(["sh", "-c", "echo go 1; sleep 0.1; echo go 2; sleep 60"]);
  await program.waitForLine(/^go/, 60_000);
  assertEquals(await program.waitForLine(/^go/, 5_000, program.lines.length), "go 2");
});

Deno.test("Background.waitForLine() says what was written instead when the program ends", async () => {
  await using program = new Background(["sh", "-c", "echo other"]);
  await assertRejects(() => program.waitForLine(/^ready/, 60_000), Error, "ended\nother");
});

Deno.test("Background.waitForLine() gives up after its time-out", async () => {
  await using program = new Background(["sleep", "60"]);
  await assertRejects(() => program.waitForLine(/^ready/, 50), Error, "within 50 ms");
});

Deno.test("Background.finish() gives all lines, the last one without a newline too", async () => {
  await using program = new Background(["printf", "one\\ntwo"]);
  assertEquals(await program.finish(60_000), ["one", "two"]);
});

Deno.test("Background.finish() throws when the program fails", async () => {
  await using program = new Background(["sh", "-c", "echo why; exit 7"]);
  await assertRejects(() => program.finish(60_000), Error, "ended with code 7\nwhy");
});

Deno.test("Background.stop() ends a program that ignores SIGTERM, and what it started", async () => {
  const program = new Background(["sh", "-c", "trap '' TERM; sleep 60 & echo $!; while :; do sleep 1; done"]);
  const grandchild = Number(await program.waitForLine(/^\d+$/, 60_000));
  assert(readProcess(grandchild) !== undefined);
  await program.stop(50);
  assertEquals(readProcess(program.pid), undefined);
  assertEquals(readProcess(grandchild), undefined);
});

Deno.test("Background.stop() does not wait for a process that got away with the outputs", async () => {
  const program = new Background(["setsid", "sh", "-c", "sleep 5 & echo up; exit"]);
  await program.waitForLine(/^up$/, 60_000);
  await program.ended;
  const began = performance.now();
  await program.stop();
  assert(performance.now() - began < 3_000);
});
