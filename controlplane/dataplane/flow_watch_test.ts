// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { FakeBench } from "./fake_bench.ts";
import { dataplane } from "./fixtures.ts";
import type { ReachedLimit } from "./fullness.ts";
import { OBJECT_NAME } from "./kernel.ts";
import { STATE_CLOSED, STATE_ESTABLISHED } from "./layout.ts";

const TCP = 6;
const UDP = 17;

/** Fills the table for ten flows with entries of one protocol and state, the half of them used at the time and half before. */
function fill(
  bench: FakeBench,
  protocol: number,
  state: number,
  [used, before]: readonly [number, number],
): void {
  const flows = bench.fake.object(OBJECT_NAME).map("flows4");
  for (let entry = 0; entry < 20; entry++) {
    const key = new Uint8Array(16);
    key.set([entry]);
    key.set([protocol], 12);
    const value = new Uint8Array(8);
    new DataView(value.buffer).setUint32(0, entry % 2 === 0 ? used : before, true);
    value.set([state], 4);
    flows.poke(key, value);
  }
}

/** Runs a dataplane with room for ten flows, and tells what was said of full tables. */
async function watch(
  body: (bench: FakeBench, told: string[], live: () => Promise<number | undefined>) => Promise<void>,
): Promise<void> {
  await using bench = await FakeBench.start();
  const told: string[] = [];
  const onReached = (tables: readonly ReachedLimit[]): void =>
    void told.push(tables.map(({ of }) => of).join());
  const subject = bench.run({ limits: { flows: 10 }, onReached });
  await bench.program(subject, dataplane());
  await body(bench, told, async () => (await subject.measure())?.uses[0]?.live);
}

Deno.test("FlowWatch says once that a table is full of flows that go on, and once that it is not any more", async () => {
  await watch(async (bench, told) => {
    fill(bench, TCP, STATE_ESTABLISHED, [9_000, 8_000]);
    await bench.until(() => told.length === 1);
    assertEquals(bench.log.filter((line) => line.includes("Raise --flows")).length, 1);
    // Other numbers, and as full as before.
    fill(bench, TCP, STATE_ESTABLISHED, [9_001, 9_001]);
    fill(bench, TCP, STATE_CLOSED, [9_000, 9_000]);
    await bench.until(() => told.length === 2);
    assertEquals(told, ["flows4", ""]);
    assertEquals(bench.log.filter((line) => line.includes("Raise --flows")).length, 1);
    assertEquals(bench.log.at(-1), "The map flows4 has room again.");
  });
});

Deno.test("Dataplane.measure() counts flows as live as long as their protocol and state let them be", async () => {
  await watch(async (bench, _, live) => {
    assertEquals(await live(), 0);
    for (
      const [protocol, state, idle, expected] of [
        [TCP, STATE_ESTABLISHED, 6_938, 10],
        [TCP, STATE_ESTABLISHED, 6_939, 5],
        [TCP, 0, 232, 10],
        [TCP, 2, 233, 5],
        [TCP, STATE_CLOSED, 0, 0],
        [UDP, STATE_ESTABLISHED, 112, 10],
        [UDP, 0, 113, 5],
      ] as const
    ) {
      fill(bench, protocol, state, [10_000, 10_000 - idle]);
      assertEquals(await live(), expected, `${protocol} ${state} ${idle}`);
    }
  });
});
