// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { findLeftovers, newRunPrefix, parseOwner } from "./netns_name.ts";
import { isStillThere } from "./processes.ts";

Deno.test("newRunPrefix() names this process and no prefix comes twice", () => {
  const [one, two] = [newRunPrefix(), newRunPrefix()];
  assertNotEquals(one, two);
  assertEquals(parseOwner(`${one}-host`)?.pid, Deno.pid);
  assert(isStillThere(parseOwner(`${two}-b1`)!));
});

Deno.test("parseOwner() knows its own names only", () => {
  assertEquals(parseOwner("bx-12x3400x0-client"), { pid: 12, startTime: "3400" });
  for (const name of ["bx-host", "bx-12-host", "kf-cl", "xbx-12x34x0-host", "bx-12x34x0-"]) {
    assertEquals(parseOwner(name), undefined, name);
  }
});

Deno.test("findLeftovers() leaves running owners and foreign namespaces alone", () => {
  const names = ["bx-1x10x0-host", "bx-2x20x0-host", "bx-2x20x0-b1", "kf-node-1"];
  assertEquals(findLeftovers(names, ({ pid }) => pid === 1), ["bx-2x20x0-host", "bx-2x20x0-b1"]);
});
