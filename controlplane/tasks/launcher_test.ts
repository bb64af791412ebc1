// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { findLauncher, launcherEnd } from "./launcher.ts";
import type { ProcessEntry, ProcessReader } from "./process_table.ts";

/** A process table from lines of: pid, parent, argument vector. */
function table(...rows: [number, number, string[]][]): Map<number, ProcessEntry> {
  return new Map(
    rows.map(([pid, parent, argv]) => [pid, { pid, parent, name: "", startTime: `${pid}`, argv }]),
  );
}

const reader = (processes: Map<number, ProcessEntry>): ProcessReader => (pid) => processes.get(pid);

const underNpx = (): Map<number, ProcessEntry> =>
  table(
    [10, 1, ["bash"]],
    [20, 10, ["npm exec deno@2.9.6 task start"]],
    [21, 20, ["sh", "-c", "'deno' task start"]],
    [22, 21, ["deno", "task", "start"]],
    [23, 22, ["/opt/deno", "run", "start.ts"]],
  );

const underTask = (): Map<number, ProcessEntry> =>
  table([10, 1, ["bash", "-c", "deno task start"]], [22, 10, ["deno", "task", "start"]], [23, 22, [
    "deno",
    "run",
  ]]);

Deno.test("findLauncher() finds npx, its shell and deno task", () => {
  const { npx, shell, task } = findLauncher(23, reader(underNpx()));
  assertEquals([npx?.pid, shell?.pid, task?.pid], [20, 21, 22]);
});

Deno.test("findLauncher() does not take the user's own shell for a part of it", () => {
  const { npx, shell, task } = findLauncher(23, reader(underTask()));
  assertEquals([npx?.pid, shell?.pid, task?.pid], [undefined, undefined, 22]);
});

Deno.test("findLauncher() finds nothing above a script that was started by hand", () => {
  assertEquals(findLauncher(23, reader(table([10, 1, ["bash"]], [23, 10, ["deno", "run", "start.ts"]]))), {});
});

const cases: [string, readonly number[], ReturnType<typeof launcherEnd>][] = [
  ["nothing is gone", [], undefined],
  ["SIGTERM to npx took its shell along", [20, 21], "terminated"],
  ["SIGTERM has reached the shell alone so far", [21], "terminated"],
  ["SIGKILL hit npx", [20], "killed"],
  ["SIGKILL hit deno task", [22], "killed"],
];
for (const [what, gone, end] of cases) {
  Deno.test(`launcherEnd() is ${end} when ${what}`, () => {
    const processes = underNpx();
    const launcher = findLauncher(23, reader(processes));
    for (const pid of gone) processes.delete(pid);
    assertEquals(launcherEnd(launcher, reader(processes)), end);
  });
}

Deno.test("launcherEnd() sees that a process id has been given to another process", () => {
  const processes = underTask();
  const launcher = findLauncher(23, reader(processes));
  processes.set(22, { ...processes.get(22)!, startTime: "later" });
  assertEquals(launcherEnd(launcher, reader(processes)), "killed");
});
