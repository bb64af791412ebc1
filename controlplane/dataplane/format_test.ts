// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { formatBytes, formatNumber } from "./format.ts";

Deno.test("formatBytes() uses decimal units with one digit, and never shows 1000 of one", () => {
  const bytes = [0n, 999n, 1_000n, 1_550n, 999_949n, 999_950n, 1_000_000n, 5n * 10n ** 12n, 10n ** 20n];
  assertEquals(bytes.map(formatBytes), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.6 kB",
    "999.9 kB",
    "1.0 MB",
    "1.0 MB",
    "5.0 TB",
    "100000.0 PB",
  ]);
});

Deno.test("formatNumber() groups digits by three", () => {
  assertEquals([0, 999, 1_000, 1_234_567].map(formatNumber), ["0", "999", "1,000", "1,234,567"]);
});
