// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Background } from "./background.ts";

const MODULE = new URL("interrupt.ts", import.meta.url).href;

/** A program with two clean-ups that take their time, and one taken back. */
const PROGRAM = `
  import { outliveInterrupt, runOnInterrupt } from "${MODULE}";
  const cleanup = (name) => async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log("cleaned " + name);
  };
  runOnInterrupt(cleanup("first"));
  runOnInterrupt(() => Promise.reject(new Error("broken")));
  runOnInterrupt(cleanup("second"));
  runOnInterrupt(cleanup("third"))();
  await outliveInterrupt();
  console.log("up");
  await new Promise((resolve) => Deno.addSignalListener("SIGINT", resolve));
  // The work notices the interrupt too, and would end the process too early.
  await outliveInterrupt();
  Deno.exit(1);
`;

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`runOnInterrupt() cleans up in reverse order on ${signal}, past a broken clean-up`, async () => {
    await using program = new Background([Deno.execPath(), "eval", PROGRAM]);
    await program.waitForLine(/^up$/, 60_000);
    program.signal(signal);
    assertEquals((await program.ended).code, code);
    await program.finish(1_000).catch(() => {});
    assertEquals(program.lines.filter((line) => line.startsWith("cleaned")), [
      "cleaned second",
      "cleaned first",
    ]);
    assertEquals(program.lines.some((line) => line.includes("clean-up failed: Error: broken")), true);
  });
}

/** A file of tests that is there until it is interrupted. */
const FIRST = `
  import { runOnInterrupt } from "${MODULE}";
  Deno.test({ name: "first", sanitizeOps: false, sanitizeResources: false, fn: async () => {
    runOnInterrupt(() => Promise.resolve(console.log("cleaned")));
    console.log("up");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  } });
`;
const SECOND = `Deno.test("second", () => console.log("went on"));`;

Deno.test("a test that is interrupted cleans up, and no other file of tests begins", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/first_test.ts`, FIRST);
    await Deno.writeTextFile(`${folder}/second_test.ts`, SECOND);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const command = ["test", "--config", config, "--no-check", "--allow-all", folder];
    await using program = new Background([Deno.execPath(), ...command]);
    await program.waitForLine(/^up$/, 60_000);
    program.signal("SIGTERM");
    assertEquals((await program.ended).success, false);
    await program.finish(1_000).catch(() => {});
    assertEquals(program.lines.filter((line) => /^(cleaned|went on)$/.test(line)), ["cleaned"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
