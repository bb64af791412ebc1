// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { Wake } from "./wake.ts";

const never = new AbortController().signal;

Deno.test("Wake.wait() returns at once when it was raised before, once for many times", async () => {
  const wake = new Wake();
  wake.raise();
  wake.raise();
  await wake.wait(never);
  const abort = new AbortController();
  const second = wake.wait(abort.signal);
  abort.abort(new Error("Still down"));
  await assertRejects(() => second, Error, "Still down");
});

Deno.test("Wake.wait() returns when it is raised later", async () => {
  const wake = new Wake();
  const order: string[] = [];
  const waiting = wake.wait(never).then(() => order.push("woken"));
  order.push("raised");
  wake.raise();
  await waiting;
  assertEquals(order, ["raised", "woken"]);
});

Deno.test("Wake.wait() rejects with the reason of a signal that was aborted before, and keeps the flag", async () => {
  const wake = new Wake();
  wake.raise();
  await assertRejects(() => wake.wait(AbortSignal.abort(new Error("Enough"))), Error, "Enough");
  await wake.wait(never);
});
