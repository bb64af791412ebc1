// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../controlplane/tasks/run_task.ts";
import { parseTestOptions } from "../run.ts";
import { suites } from "./suites.ts";

Deno.test("parseTestOptions() means every suite when none is named", () => {
  assertEquals(parseTestOptions([]), { suites, json: false });
});

Deno.test("parseTestOptions() takes suites by name, in the table's order", () => {
  const { suites: chosen, json } = parseTestOptions(["demo", "format", "--json"]);
  assertEquals([chosen.map(({ name }) => name), json], [["format", "demo"], true]);
});

Deno.test("parseTestOptions() leaves out what needs root for deno task ok", () => {
  const { suites: chosen } = parseTestOptions(["--ok"]);
  assertEquals(chosen.some(({ root }) => root), false);
  assertEquals(chosen.length > 0, true);
});

Deno.test("parseTestOptions() refuses names that no suite has", () => {
  assertThrows(
    () => parseTestOptions(["everything"]),
    UsageError,
    "everything is neither an option nor a suite",
  );
  assertThrows(() => parseTestOptions(["--all"]), UsageError, "--all is neither");
});

Deno.test("suites have names of their own, which are also names of files", () => {
  const names = suites.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  for (const name of names) assertEquals(/^[a-z0-9-]+$/.test(name), true, name);
});
