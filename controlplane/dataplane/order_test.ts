// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ORDER } from "../loader/messages.ts";
import { parseOrder } from "./order.ts";

Deno.test("parseOrder() reads both ends, ids and pins", () => {
  assertEquals(parseOrder("first"), { order: ORDER.FIRST });
  assertEquals(parseOrder("last"), { order: ORDER.LAST });
  assertEquals(parseOrder("before:57"), { order: ORDER.BEFORE, anchor: { programId: 57 } });
  assertEquals(parseOrder("after:/sys/fs/bpf/other"), {
    order: ORDER.AFTER,
    anchor: { pin: "/sys/fs/bpf/other" },
  });
});

Deno.test("parseOrder() knows nothing else", () => {
  for (const text of ["", "middle", "before", "before:", "after:0", "after:name", "before:-1", "First"]) {
    assertEquals(parseOrder(text), undefined, text);
  }
});
