// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { atLeast, parseVersion } from "./version.ts";

Deno.test("parseVersion() finds the number in what programs print", () => {
  assertEquals(parseVersion("rustc 1.95.0 (9fc6b4312 2026-01-17)"), "1.95.0");
  assertEquals(parseVersion("bpf-linker 0.10.3\n"), "0.10.3");
  assertEquals(parseVersion("go version go1.26.8 linux/amd64"), "1.26.8");
  assertEquals(parseVersion("unknown"), undefined);
});

Deno.test("atLeast() compares number by number, not as text", () => {
  assertEquals(atLeast("1.95.0", "1.95"), true);
  assertEquals(atLeast("1.100.0", "1.95"), true);
  assertEquals(atLeast("2.0", "1.95"), true);
  assertEquals(atLeast("1.9.9", "1.95"), false);
  assertEquals(atLeast("1.95", "1.95.1"), false);
});
