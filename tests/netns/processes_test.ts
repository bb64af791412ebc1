// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type ProcessEntry, readProcess } from "../../controlplane/tasks/process_table.ts";
import { isStillThere, processTree, signalProcess } from "./processes.ts";

function entry(pid: number, parent: number): ProcessEntry {
  return { pid, parent, name: `p${pid}`, startTime: "1", argv: [] };
}

Deno.test("processTree() gives a process and its descendants, parents first, and nobody else", () => {
  const all = [entry(9, 5), entry(5, 2), entry(2, 1), entry(3, 1), entry(4, 2), entry(8, 3)];
  assertEquals(processTree(2, all).map(({ pid }) => pid), [2, 5, 4, 9]);
});

Deno.test("processTree() is empty for a process that has ended", () => {
  assertEquals(processTree(7, [entry(1, 0)]), []);
});

Deno.test("processTree() finds this process in the real process table", () => {
  assertEquals(processTree(Deno.pid)[0]?.pid, Deno.pid);
});

Deno.test("isStillThere() tells a process from a later one with its pid", () => {
  const { startTime } = readProcess(Deno.pid)!;
  assertEquals(isStillThere({ pid: Deno.pid, startTime }), true);
  assertEquals(isStillThere({ pid: Deno.pid, startTime: "1" }), false);
  assertEquals(isStillThere({ pid: 42, startTime: "1" }, () => undefined), false);
});

Deno.test("signalProcess() ends a process, and a second time is no error", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  signalProcess(child.pid, "SIGKILL");
  assertEquals((await child.status).signal, "SIGKILL");
  signalProcess(child.pid, "SIGKILL");
});
