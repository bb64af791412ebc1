// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { failureName, FlowError, within } from "./flow.ts";

/** Keeps this thread busy, as a machine does that gives it no turn. Milliseconds. */
function holdUp(time: number): void {
  const end = performance.now() + time;
  while (performance.now() < end);
}

Deno.test("within() gives what comes in time", async () => {
  assertEquals(await within(10_000, delay(1).then(() => "answer")), "answer");
});

Deno.test("within() throws TimedOut for what does not come", async () => {
  await assertRejects(() => within(10, new Promise(() => {})), FlowError, "TimedOut");
});

Deno.test("within() gives what came while this process had no turn", async () => {
  const answer = Promise.withResolvers<string>();
  const result = within(20, answer.promise);
  // The timer of within() is older, and so comes first.
  setTimeout(() => setTimeout(() => answer.resolve("answer")), 21);
  holdUp(200);
  assertEquals(await result, "answer");
});

Deno.test("failureName() is the message of a FlowError and the class of any other", () => {
  assertEquals(failureName(new FlowError("TimedOut")), "TimedOut");
  assertEquals(failureName(new Deno.errors.ConnectionRefused("os error 111")), "ConnectionRefused");
});
