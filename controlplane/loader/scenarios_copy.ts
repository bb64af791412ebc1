// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { CODE } from "./error.ts";
import type { CopyResponse, Piece } from "./messages.ts";
import {
  apply,
  dump,
  load,
  NAME,
  NEXT,
  put,
  putTable,
  refused,
  type Scenario,
  type Subject,
} from "./scenario.ts";
import { changedObject } from "./scenario_object.ts";

/** Loads the usual object and beside it the one whose maps differ. */
async function loadBoth(subject: Subject): Promise<void> {
  await load(subject);
  await subject.client().load({ name: NEXT, object: changedObject() });
}

function whole(length: number): Piece[] {
  return [{ from: 0, to: 0, length }];
}

function copy(
  subject: Subject,
  map: string,
  key: readonly Piece[],
  value: readonly Piece[],
  keep = false,
): Promise<CopyResponse> {
  return subject.client().copy({ from: { object: NAME, map }, to: { object: NEXT, map }, key, value, keep });
}

/** Copy. */
export const copyScenarios: readonly Scenario[] = [
  {
    name: "Copy moves fields of a value to where they are now, the rest is zeros",
    run: async (subject) => {
      await loadBoth(subject);
      await apply(subject, 1, put("hash", 1, 0x11), put("hash", 2, 0x22));
      const fields = [{ from: 0, to: 0, length: 4 }, { from: 4, to: 8, length: 4 }];
      assertEquals(await copy(subject, "hash", whole(4), fields), { copied: 2, kept: 0, leftOut: 0 });
      assertEquals(await dump(subject, "hash", { name: NEXT }), {
        "01000000": "110000000000000000000000",
        "02000000": "220000000000000000000000",
      });
    },
  },
  {
    name: "Copy leaves out what a smaller map has no room for, and says how much",
    run: async (subject) => {
      await loadBoth(subject);
      await apply(subject, 1, put("hash", 1, 1), put("hash", 2, 2), put("hash", 3, 3), put("array", 7, 7));
      assertEquals(await copy(subject, "hash", whole(4), whole(8)), { copied: 2, kept: 0, leftOut: 1 });
      assertEquals(await copy(subject, "array", whole(4), whole(8)), { copied: 4, kept: 0, leftOut: 4 });
    },
  },
  {
    name: "Copy keeps elements that are there already when asked to",
    run: async (subject) => {
      await loadBoth(subject);
      await apply(subject, 1, put("recent", 1, 1), put("recent", 2, 2));
      const there = {
        key: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
        value: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0),
      };
      await subject.client().apply({
        name: NEXT,
        generation: 1,
        operations: [{ map: "recent", put: there }],
      });
      assertEquals(await copy(subject, "recent", whole(4), whole(8), true), {
        copied: 1,
        kept: 1,
        leftOut: 0,
      });
      assertEquals(await dump(subject, "recent", { name: NEXT }), {
        "0100000000000000": "0900000000000000",
        "0200000000000000": "0200000000000000",
      });
      assertEquals(await copy(subject, "recent", whole(4), whole(8)), { copied: 2, kept: 0, leftOut: 0 });
      assertEquals((await dump(subject, "recent", { name: NEXT }))["0100000000000000"], "0100000000000000");
    },
  },
  {
    name: "Copy moves fields of each CPU's value",
    run: async (subject) => {
      await loadBoth(subject);
      const value = Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
      await apply(subject, 1, { map: "counters", put: { key: new Uint8Array(4), value } });
      const fields = [{ from: 8, to: 0, length: 4 }, { from: 0, to: 4, length: 4 }];
      assertEquals(await copy(subject, "counters", whole(4), fields), { copied: 2, kept: 0, leftOut: 0 });
      const { cpus } = await subject.client().probe();
      assertEquals(
        (await dump(subject, "counters", { name: NEXT }))["00000000"],
        "0300000001000000".repeat(cpus),
      );
    },
  },
  {
    name: "Copy makes inner maps anew",
    run: async (subject) => {
      await loadBoth(subject);
      await apply(subject, 1, putTable(2, [7, 8]), putTable(5, [9]));
      assertEquals(await copy(subject, "tables", whole(4), whole(4)), { copied: 2, kept: 0, leftOut: 0 });
      assertEquals(await dump(subject, "tables", { name: NEXT }), {
        "02000000": "07000000000000000800000000000000",
        "05000000": "0900000000000000",
      });
      await apply(subject, 2, putTable(2, [1]));
      assertEquals((await dump(subject, "tables", { name: NEXT }))["05000000"], "0900000000000000");
    },
  },
  {
    name: "Copy refuses pieces that lie outside, maps of two kinds, and maps that are not there",
    run: async (subject) => {
      await loadBoth(subject);
      const client = subject.client();
      await refused(
        copy(subject, "hash", whole(5), whole(8)),
        CODE.INVALID_ARGUMENT,
        /Piece 0 of the key \(5 bytes from 0 to 0\) lies outside/,
      );
      await refused(
        copy(subject, "hash", whole(4), [{ from: 4, to: 0, length: 8 }]),
        CODE.INVALID_ARGUMENT,
        /Piece 0 of the value/,
      );
      const pair = (from: string, to: string) =>
        client.copy({ from: { object: NAME, map: from }, to: { object: NEXT, map: to }, key: [], value: [] });
      await refused(pair("hash", "tables"), CODE.INVALID_ARGUMENT, /Cannot copy map hash to map tables/);
      await refused(pair("counters", "array"), CODE.INVALID_ARGUMENT, /Cannot copy map counters/);
      await refused(pair("nothing", "hash"), CODE.NOT_FOUND, /no map "nothing"/);
      await refused(
        copy(subject, "array", whole(4), whole(8), true),
        CODE.INVALID_ARGUMENT,
        /every element of an array is there already/,
      );
      const from = { object: NAME, map: "hash" };
      const call = client.copy({ from, to: { object: "nobody", map: "hash" }, key: [], value: [] });
      await refused(call, CODE.NOT_FOUND, /No object nobody is loaded/);
    },
  },
];
