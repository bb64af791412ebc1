// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { type ProgressTarget, step } from "./progress.ts";

class RecordingTarget implements ProgressTarget {
  written = "";
  time = 0;
  constructor(readonly terminal: boolean) {}
  write(text: string): void {
    this.written += text;
  }
  now(): number {
    return this.time;
  }
}

Deno.test("step() says nothing of what takes less than a second", async () => {
  const target = new RecordingTarget(false);
  assertEquals(await step("compiling", () => Promise.resolve(5), target), 5);
  assertEquals(target.written, "");
});

Deno.test("step() writes the name after a second and the seconds at the end", async () => {
  const target = new RecordingTarget(false);
  await step("compiling", async () => {
    await delay(1_100);
    target.time = 12_300;
  }, target);
  assertEquals(target.written, "compiling … 12 s\n");
});

Deno.test("step() counts on a terminal", async () => {
  const target = new RecordingTarget(true);
  await step("compiling", async () => {
    target.time = 1_000;
    await delay(1_100);
    target.time = 1_600;
  }, target);
  assertEquals(target.written, "\rcompiling … 1 s\rcompiling … 2 s\n");
});

Deno.test("step() names what failed, however soon, and passes the failure on", async () => {
  const target = new RecordingTarget(false);
  await assertRejects(
    () => step("compiling", () => Promise.reject(new Error("no space")), target),
    Error,
    "no space",
  );
  assertEquals(target.written, "compiling … failed after 0 s\n");
});
