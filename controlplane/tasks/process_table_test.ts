// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { ancestors, readProcess } from "./process_table.ts";

Deno.test("readProcess() finds this process under its parent", () => {
  const entry = readProcess(Deno.pid);
  assertEquals({ pid: entry?.pid, parent: entry?.parent }, { pid: Deno.pid, parent: Deno.ppid });
  assertEquals(/^\d+$/.test(entry?.startTime ?? ""), true);
  assertEquals(entry?.argv.includes("test"), true);
});

Deno.test("readProcess() is not misled by a name with spaces and parentheses", async () => {
  const folder = await Deno.makeTempDir();
  const program = `${folder}/a) S (b`;
  await Deno.copyFile("/bin/sleep", program);
  const child = new Deno.Command(program, { args: ["30"] }).spawn();
  try {
    // Until it has called execve(2), it is this program still.
    const isStarted = (): boolean => readProcess(child.pid)?.argv[0] === program;
    for (let tries = 0; tries < 500 && !isStarted(); tries++) await delay(10);
    const entry = readProcess(child.pid);
    assertEquals(entry && { name: entry.name, parent: entry.parent, argv: entry.argv }, {
      name: "a) S (b",
      parent: Deno.pid,
      argv: [program, "30"],
    });
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readProcess() knows nothing of a process that has ended", async () => {
  const child = new Deno.Command("true").spawn();
  await child.status;
  assertEquals(readProcess(child.pid), undefined);
});

Deno.test("ancestors() lists the parent first", () => {
  assertEquals(ancestors(Deno.pid)[0]?.pid, Deno.ppid);
  const entry = (pid: number, parent: number) => ({ pid, parent, name: "", startTime: "", argv: [] });
  const table = new Map([[9, entry(9, 4)], [4, entry(4, 2)], [2, entry(2, 0)]]);
  assertEquals(ancestors(9, (pid) => table.get(pid)).map(({ pid }) => pid), [4, 2]);
});
