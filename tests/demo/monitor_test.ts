// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { summarize } from "../netns/traffic/report.ts";
import type { Counted } from "./counters.ts";
import { Monitor } from "./monitor.ts";
import { Screen } from "./screen.ts";

function counted(name: string, flows: number): Counted {
  const listener = "TCP 192.0.2.10:80";
  return { listener, backend: name, name, family: "ipv4", weight: 1, flows, packets: 10 * flows, bytes: 0 };
}

/** A monitor whose readings the test gives one by one; what the screen shows in the end. */
function monitor(...readings: Counted[][]): { monitor: Monitor; shown: () => string[][] } {
  const written: string[] = [];
  const screen = new Screen({ live: false, colour: false, write: (text) => written.push(text) });
  const read = (): Promise<Counted[]> =>
    Promise.resolve(readings.length > 1 ? readings.shift()! : readings[0]!);
  const shown = (): string[][] =>
    written.map((text) => text.split("\n").filter((line) => /^ {4}b/.test(line)).map((line) => line.trim()));
  return { monitor: new Monitor(read, screen), shown };
}

Deno.test("Monitor.watch() counts from where the step began", async () => {
  const { monitor: it, shown } = monitor([counted("b1", 100), counted("b2", 50)], [
    counted("b1", 130),
    counted("b2", 60),
  ]);
  assertEquals(await it.watch(() => Promise.resolve("done")), "done");
  assertEquals(shown(), [[
    "b1                    1  75.0 %     30      300    0 B",
    "b2                    1  25.0 %     10      100    0 B",
  ]]);
});

Deno.test("Monitor.watch() keeps a backend in view that the kernel has no more", async () => {
  const { monitor: it, shown } = monitor([], [counted("b1", 1), counted("b2", 1)], [counted("b1", 1)], [
    counted("b1", 5),
  ]);
  await it.watch(() => Promise.resolve());
  await it.watch(() => Promise.resolve());
  assertEquals(shown()[1], [
    "b1                    1  100.0 %      4       40    0 B",
    "b2                    -    0.0 %      0        0    0 B",
  ]);
});

Deno.test("Monitor.note() shows the client that a backend saw", async () => {
  const { monitor: it, shown } = monitor([counted("b1", 1)]);
  it.note({ ...summarize([]), clients: { b1: ["198.51.100.2"] } }, "ipv4");
  await it.watch(() => Promise.resolve());
  assertEquals(shown()[0]?.[0]?.endsWith("198.51.100.2"), true);
});

Deno.test("Monitor.watch() passes a failure on", async () => {
  await assertRejects(
    () => monitor([]).monitor.watch(() => Promise.reject(new Error("lost"))),
    Error,
    "lost",
  );
});
