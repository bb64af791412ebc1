// SPDX-License-Identifier: Apache-2.0

import { assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { waitForSocket } from "./wait_for_socket.ts";

const never = new Promise<Deno.CommandStatus>(() => {});

Deno.test("waitForSocket() returns once somebody listens", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  const waiting = waitForSocket(path, never, 5_000);
  await delay(60);
  const listener = Deno.listen({ transport: "unix", path });
  await waiting;
  listener.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("waitForSocket() gives up when the loader ends or time runs out", async () => {
  const ended = Promise.resolve({ success: false, code: 64, signal: null });
  await assertRejects(() => waitForSocket("/nonexistent/s", ended, 5_000), Error, "ended with code 64");
  await assertRejects(
    () => waitForSocket("/nonexistent/s", never, 100),
    Error,
    "did not answer within 100 ms",
  );
});
