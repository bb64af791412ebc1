// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { CODE } from "./error.ts";
import type { Operation } from "./messages.ts";
import {
  apply,
  dump,
  key,
  load,
  NAME,
  put,
  putTable,
  refused,
  remove,
  type Scenario,
  type Subject,
} from "./scenario.ts";

/** Applies one operation that must be refused, after a good one that must not be done. */
async function refusedOperation(subject: Subject, bad: Operation, sentence: RegExp): Promise<void> {
  const request = { name: NAME, generation: 1, operations: [put("hash", 1, 11), bad] };
  const code = sentence.source.includes("does not have") ? CODE.NOT_FOUND : CODE.INVALID_ARGUMENT;
  const error = await refused(subject.client().apply(request), code, sentence);
  assertEquals(error.applied ?? 0, 0);
  assertEquals(await dump(subject, "hash"), {});
}

/** Apply and Dump. */
export const applyScenarios: readonly Scenario[] = [
  {
    name: "Apply puts, replaces and deletes elements of a hash; an absent one is no error",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, put("hash", 1, 11), put("hash", 2, 22));
      assertEquals(await dump(subject, "hash"), {
        "01000000": "0b00000000000000",
        "02000000": "1600000000000000",
      });
      await apply(subject, 2, remove("hash", 3), put("hash", 2, 23), remove("hash", 1), remove("hash", 1));
      assertEquals(await dump(subject, "hash"), { "02000000": "1700000000000000" });
    },
  },
  {
    name: "Count says how many elements a map has; of an array all there are",
    run: async (subject) => {
      await load(subject);
      const count = (map: string): Promise<unknown> => subject.client().count({ name: NAME, map });
      const exactly = (elements: number): unknown => ({ elements, estimated: false });
      assertEquals([await count("hash"), await count("array")], [exactly(0), exactly(8)]);
      await apply(subject, 1, put("hash", 1, 1), put("hash", 2, 1), put("recent", 7, 1), putTable(3, [1, 2]));
      assertEquals(await Promise.all(["hash", "recent", "tables"].map(count)), [2, 1, 1].map(exactly));
      await refused(count("nothing"), CODE.NOT_FOUND, /nothing/);
    },
  },
  {
    name: "Apply writes array elements, and a delete makes zeros",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, put("array", 0, 1), put("array", 7, 2));
      await apply(subject, 2, remove("array", 0));
      const all = await dump(subject, "array");
      assertEquals(Object.keys(all).length, 8);
      assertEquals([all["00000000"], all["07000000"]], ["0000000000000000", "0200000000000000"]);
      assertEquals(await dump(subject, "array", { skipZeros: true }), { "07000000": "0200000000000000" });
    },
  },
  {
    name: "Apply writes a per-CPU value for every CPU, and Dump returns one for each, padded to 8 bytes",
    run: async (subject) => {
      await load(subject);
      const { cpus } = await subject.client().probe();
      const pair = Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
      await apply(subject, 1, { map: "counters", put: { key: key(1), value: pair } });
      const all = await dump(subject, "counters");
      assertEquals(all["01000000"], "01000000020000000300000000000000".repeat(cpus));
      assertEquals(all["00000000"], "0".repeat(32 * cpus));
      await apply(subject, 2, remove("counters", 1));
      assertEquals((await dump(subject, "counters"))["01000000"], "0".repeat(32 * cpus));
    },
  },
  {
    name: "Apply puts tables of any length, replaces and deletes them",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, putTable(0, [1, 2, 3]), putTable(5, [4]), putTable(5, [5, 6]));
      assertEquals(await dump(subject, "tables"), {
        "00000000": "010000000200000003000000",
        "05000000": "0500000006000000",
      });
      await apply(subject, 2, remove("tables", 0), remove("tables", 1), putTable(5, [9]));
      assertEquals(await dump(subject, "tables"), { "05000000": "09000000" });
    },
  },
  {
    name: "Apply takes a table of 65,521 slots, and Dump returns it whole",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, putTable(1, Array.from({ length: 65_521 }, (_, i) => i)));
      const table = (await dump(subject, "tables", { chunk: 1 }))["01000000"] ?? "";
      assertEquals([table.length, table.slice(-8)], [65_521 * 8, "f0ff0000"]);
    },
  },
  {
    name: "Apply refuses what can never work, names the operation, and does nothing of the request",
    run: async (subject) => {
      await load(subject);
      const bytes = (length: number): Uint8Array => new Uint8Array(length);
      await refusedOperation(
        subject,
        put("nothing", 1, 1),
        /Operation 1 names map "nothing", which the object does not have/,
      );
      await refusedOperation(
        subject,
        { map: "hash", put: { key: bytes(3), value: bytes(8) } },
        /Operation 1 on map hash: the key has 3 bytes, the map's keys have 4/,
      );
      await refusedOperation(
        subject,
        { map: "hash", put: { key: key(1), value: bytes(9) } },
        /Operation 1 on map hash: the value has 9 bytes, the map's values have 8/,
      );
      await refusedOperation(
        subject,
        put("array", 8, 1),
        /Operation 1 on map array: index 8 is out of bounds/,
      );
      await refusedOperation(
        subject,
        { map: "tables", put: { key: key(1), value: bytes(4) } },
        /Operation 1 on map tables: a map of maps takes put_table/,
      );
      await refusedOperation(
        subject,
        { map: "hash", putTable: { key: key(1), values: bytes(4) } },
        /Operation 1 on map hash: put_table needs a map of maps/,
      );
      await refusedOperation(subject, putTable(1, []), /Operation 1 on map tables: a table of 0 bytes/);
      await refusedOperation(
        subject,
        { map: "tables", putTable: { key: key(1), values: bytes(5) } },
        /Operation 1 on map tables: a table of 5 bytes is not one or more whole values/,
      );
      await refusedOperation(subject, { map: "hash" }, /Operation 1 on map hash: it says neither put/);
    },
  },
  {
    name: "Apply that the kernel stops half way says how far it got, and can be tried again",
    run: async (subject) => {
      await load(subject);
      const operations = [put("array", 0, 1), ...[1, 2, 3, 4, 5, 6].map((at) => put("hash", at, at))];
      const request = { name: NAME, generation: 1, operations };
      const error = await refused(
        subject.client().apply(request),
        CODE.RESOURCE_EXHAUSTED,
        /map hash.*no room/,
      );
      assertEquals(error.applied, 5);
      assertEquals((await dump(subject, "array"))["00000000"], "0100000000000000");
      assertEquals(Object.keys(await dump(subject, "hash")).length, 4);
      // What is there can be replaced in a full map; only what is new needs room.
      await apply(subject, 1, put("hash", 4, 44), remove("hash", 1), put("hash", 5, 5));
    },
  },
  {
    name: "Apply of a generation that was done is answered as done, and touches nothing",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 4, put("hash", 1, 11));
      for (const generation of [1, 4]) {
        const request = { name: NAME, generation, operations: [put("hash", 1, 99)] };
        assertEquals(await subject.client().apply(request), { applied: 0, already: true });
      }
      assertEquals(await dump(subject, "hash"), { "01000000": "0b00000000000000" });
      await apply(subject, 5, put("hash", 1, 12));
    },
  },
  {
    name: "Apply refuses generation 0, which stands for none",
    run: async (subject) => {
      await load(subject);
      const request = { name: NAME, generation: 0, operations: [] };
      await refused(subject.client().apply(request), CODE.INVALID_ARGUMENT, /Generation 0 stands for none/);
    },
  },
  {
    name: "Apply to an LRU hash never runs out of room",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, ...Array.from({ length: 500 }, (_, i) => put("recent", i, i)));
      const left = Object.keys(await dump(subject, "recent")).length;
      if (left === 0 || left > 64) throw new Error(`${left} elements are left of at most 64`);
    },
  },
  {
    name: "Dump sends at most as many elements at once as asked for, and all of them",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, ...Array.from({ length: 8 }, (_, i) => put("array", i, i)));
      for (const chunk of [0, 1, 3, 100]) {
        assertEquals(Object.keys(await dump(subject, "array", { chunk })).length, 8);
      }
    },
  },
  {
    name: "Dump of an unknown map names those there are",
    run: async (subject) => {
      await load(subject);
      await refused(
        dump(subject, "nothing"),
        CODE.NOT_FOUND,
        /no map "nothing"; it has array, counters, hash/,
      );
    },
  },
];
