// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { formatBytes, formatTable, type Row } from "./table.ts";

const row: Row = {
  listener: "TCP 192.0.2.10:80",
  backend: "b1 10.244.0.11:9000",
  weight: 80,
  flows: 30,
  packets: 300,
  bytes: 12_345,
  client: "198.51.100.2",
};

Deno.test("formatTable() shows each listener once and shares within a listener", () => {
  const rows = [
    row,
    { ...row, backend: "b2 10.244.0.12:9000", flows: 10 },
    { ...row, listener: "UDP 192.0.2.10:53", flows: 5 },
  ];
  assertEquals(formatTable(rows), [
    "LISTENER           BACKEND              WEIGHT    SHARE  FLOWS  PACKETS  BYTES  CLIENT SEEN",
    "TCP 192.0.2.10:80  b1 10.244.0.11:9000      80   75.0 %     30      300  12 kB  198.51.100.2",
    "                   b2 10.244.0.12:9000      80   25.0 %     10      300  12 kB  198.51.100.2",
    "UDP 192.0.2.10:53  b1 10.244.0.11:9000      80  100.0 %      5      300  12 kB  198.51.100.2",
  ]);
});

Deno.test("formatTable() leaves open what is unknown", () => {
  const { weight: _weight, client: _client, ...unknown } = row;
  const [, line] = formatTable([{ ...unknown, flows: 0 }]);
  assertEquals(line, "TCP 192.0.2.10:80  b1 10.244.0.11:9000       -      -      0      300  12 kB");
});

Deno.test("formatBytes() keeps two or three digits", () => {
  const cases: [number, string][] = [[0, "0 B"], [999, "999 B"], [1_000, "1.0 kB"], [12_345, "12 kB"], [
    123_456,
    "123 kB",
  ], [5_000_000_000, "5.0 GB"]];
  for (const [bytes, text] of cases) assertEquals(formatBytes(bytes), text);
});
