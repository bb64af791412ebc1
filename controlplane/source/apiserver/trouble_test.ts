// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Trouble } from "./trouble.ts";

function recorded(): { trouble: Trouble; log: string[] } {
  const log: string[] = [];
  return { trouble: new Trouble((line) => log.push(line)), log };
}

Deno.test("Trouble says a message once, however many meet it, and its end when the last is rid of it", () => {
  const { trouble, log } = recorded();
  trouble.report("Gateway", "server away");
  trouble.report("Service", "server away");
  trouble.report("Gateway", "server away");
  trouble.solved("Gateway");
  assertEquals(log, ["server away"]);
  trouble.solved("Service");
  assertEquals(log, ["server away", "Over: server away"]);
});

Deno.test("Trouble says another message of the same one", () => {
  const { trouble, log } = recorded();
  trouble.report("Gateway", "server away");
  trouble.report("Gateway", "forbidden");
  trouble.solved("Gateway");
  assertEquals(log, ["server away", "forbidden", "Over: forbidden"]);
});

Deno.test("Trouble is silent about the end of what never was", () => {
  const { trouble, log } = recorded();
  trouble.solved("Gateway");
  assertEquals(log, []);
});
