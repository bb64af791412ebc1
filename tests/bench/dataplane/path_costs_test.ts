// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parsePathCosts } from "./path_costs.ts";

Deno.test("parsePathCosts() takes every line with a time, and says whose replies are meant", () => {
  const output = `
running 3 tests
test cost::one ...     7 ns  another EtherType (40 with the trampoline's 33)
   61 ns  TCP over IPv4 (94 with the trampoline's 33)
   58 ns  its replies (91 with the trampoline's 33)
ok
test result: ok. 3 passed; 0 failed; finished in 12 ns
`;
  assertEquals(parsePathCosts(output), [
    { path: "another EtherType", nanoseconds: 7 },
    { path: "TCP over IPv4", nanoseconds: 61 },
    { path: "TCP over IPv4: replies", nanoseconds: 58 },
  ]);
});
