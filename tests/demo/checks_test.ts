// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Checks } from "./checks.ts";
import { Screen } from "./screen.ts";

Deno.test("Checks counts and shows what passed and what failed, exceptions too", async () => {
  const written: string[] = [];
  const checks = new Checks(
    new Screen({ live: false, colour: false, write: (text) => written.push(text) }),
  );
  checks.check(true, "all answered", "100 of 100");
  checks.check(false, "none lost");
  await checks.attempt("nothing", () => Promise.resolve());
  await checks.attempt("the transfer", () => Promise.reject(new Error("reset")));
  assertEquals(written, [
    "  pass  all answered (100 of 100)\n",
    "  FAIL  none lost\n",
    "  FAIL  the transfer (reset)\n",
  ]);
  assertEquals(checks.summary, "1 passed, 2 failed");
});
