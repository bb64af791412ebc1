// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../controlplane/tasks/run_task.ts";
import { CONTENDERS } from "./contenders.ts";
import { parseBenchOptions } from "./options.ts";

Deno.test("parseBenchOptions() compares everything by default, with 1, 1,000 and 10,000 services", () => {
  const { services, contenders, rounds, paths, json, svg } = parseBenchOptions([], "/here");
  assertEquals(services, [1, 1_000, 10_000]);
  assertEquals(contenders, CONTENDERS);
  assertEquals([rounds, paths, json, svg], [5, true, undefined, undefined]);
});

Deno.test("parseBenchOptions() takes files from where the user stands", () => {
  const { json, svg } = parseBenchOptions(["--json", "out.json", "--svg=/tmp/a.svg"], "/here");
  assertEquals([json, svg], ["/here/out.json", "/tmp/a.svg"]);
  assertEquals(parseBenchOptions(["--json"], "/here").json, "");
});

Deno.test("parseBenchOptions() keeps what is compared with, whatever --only says", () => {
  const { contenders } = parseBenchOptions(["--only", "blixt,nginx"], "/");
  assertEquals(contenders.map(({ name }) => name), ["blixt", "routing", "nginx"]);
});

Deno.test("parseBenchOptions() is quick with fewer rounds and services, unless told otherwise", () => {
  const { rounds, services, paths } = parseBenchOptions(["--quick", "--rounds", "3"], "/");
  assertEquals([rounds, services, paths], [3, [1, 1_000], false]);
});

for (
  const [words, message] of [
    [["--fast"], "--fast is not an option"],
    [["extra"], "extra is not an option"],
    [["--rounds", "0"], "--rounds takes a whole number"],
    [["--rounds", "1.5"], "--rounds takes a whole number"],
    [["--seconds", "x"], "--seconds takes a number"],
    [["--services", "1,ten"], "--services takes whole numbers from 1 to 10000"],
    [["--services", "10001"], "--services takes whole numbers from 1 to 10000"],
    [["--only", "ipvs"], 'and not "ipvs"'],
    [["--svg="], "--svg needs a file"],
  ] as const
) {
  Deno.test(`parseBenchOptions() refuses ${words.join(" ")}`, () => {
    assertThrows(() => parseBenchOptions(words, "/"), UsageError, message);
  });
}
