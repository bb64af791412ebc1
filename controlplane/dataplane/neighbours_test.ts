// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Chain, Link } from "../loader/messages.ts";
import { describeChain, foreignBefore, NeighbourWatch } from "./neighbours.ts";

const own: Link = { programId: 9, object: "blixt", program: "ingress" };
const next: Link = { programId: 10, object: "blixt-next", program: "ingress" };

function foreign(programId: number): Link {
  return { programId, object: "", program: "" };
}

Deno.test("foreignBefore() are others' programs before ours, not those behind and not our own next version", () => {
  assertEquals(foreignBefore({ links: [foreign(1), next, own, foreign(2)] }), [foreign(1)]);
  assertEquals(foreignBefore({ links: [foreign(1)] }), []);
  assertEquals(foreignBefore({ links: [] }), []);
});

Deno.test("describeChain() names our programs, and those of others by their id", () => {
  assertEquals(
    describeChain({ links: [foreign(1), own, next, foreign(2)] }),
    "program 1, ingress, blixt-next/ingress, program 2",
  );
});

Deno.test("NeighbourWatch speaks once of an interface, and again when other programs run before ours", () => {
  const log: string[] = [];
  const watch = new NeighbourWatch((line) => log.push(line));
  const look = (...links: Link[]): void =>
    watch.update([{ ifindex: 2, name: "eth0" }], new Map<number, Chain>([[2, { links }]]));
  look(own, foreign(1));
  assertEquals(log, []);
  look(foreign(1), own);
  look(foreign(1), own);
  assertEquals(log.map((line) => line.slice(0, 69)), [
    "Another's program runs before Blixt on interface eth0 (id 1): what th",
  ]);
  look(foreign(1), foreign(3), own);
  assertEquals(log.at(-1)?.startsWith("Others' programs run before Blixt on interface eth0 (id 1, 3)"), true);
  look(own);
  look(foreign(1), foreign(3), own);
  assertEquals(log.length, 3);
});
