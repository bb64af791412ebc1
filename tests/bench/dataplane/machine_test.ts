// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { describeMachine, parseProcessor, thisMachine } from "./machine.ts";

Deno.test("parseProcessor() gives the name, or the architecture where there is none", () => {
  assertEquals(parseProcessor("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n"), "Some CPU @ 3 GHz");
  assertEquals(parseProcessor("processor\t: 0\nBogoMIPS\t: 50\n"), Deno.build.arch);
});

Deno.test("thisMachine() is described in one line", async () => {
  const line = describeMachine(await thisMachine());
  assert(line.includes(` cores, Linux ${Deno.osRelease()}`) && !line.includes("\n"), line);
});
