// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ManualClock, settle } from "../manual_clock.ts";
import { WorkQueue } from "./work_queue.ts";

Deno.test("WorkQueue.take() gives keys in the order they came, each once", async () => {
  const queue = new WorkQueue(new AbortController().signal);
  for (const key of ["a", "b", "a"]) queue.add(key);
  assertEquals([await queue.take(), await queue.take()], ["a", "b"]);
  queue.add("c");
  assertEquals(await queue.take(), "c");
});

Deno.test("WorkQueue gives a key that is added while it is taken again, and only when it is done", async () => {
  const queue = new WorkQueue(new AbortController().signal);
  queue.add("a");
  await queue.take();
  queue.add("a");
  queue.add("b");
  assertEquals(await queue.take(), "b");
  queue.done("a");
  assertEquals(await queue.take(), "a");
});

Deno.test("WorkQueue.take() waits for a key; each waiting worker gets one", async () => {
  const queue = new WorkQueue(new AbortController().signal);
  const taken = [queue.take(), queue.take()];
  queue.add("a");
  queue.add("b");
  assertEquals((await Promise.all(taken)).sort(), ["a", "b"]);
});

Deno.test("WorkQueue.addAfter() adds a key after its time, once however often it was asked", async () => {
  const clock = new ManualClock();
  const queue = new WorkQueue(new AbortController().signal, clock);
  const taken: (string | undefined)[] = [];
  queue.take().then((key) => taken.push(key));
  queue.addAfter("a", 10);
  queue.addAfter("a", 20);
  await clock.advance(9);
  assertEquals(taken, []);
  await clock.advance(1);
  assertEquals(taken, ["a"]);
  assertEquals(clock.sleeping, 0);
});

Deno.test("WorkQueue.take() ends every waiting worker when the signal aborts", async () => {
  const stop = new AbortController();
  const queue = new WorkQueue(stop.signal);
  const taken = [queue.take(), queue.take()];
  await settle();
  stop.abort();
  assertEquals(await Promise.all(taken), [undefined, undefined]);
  queue.add("a");
  assertEquals(await queue.take(), undefined);
});
