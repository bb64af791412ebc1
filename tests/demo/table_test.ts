// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { formatTable, type Row } from "./table.ts";

const row: Row = {
  listener: "TCP 192.0.2.10:80",
  backend: "b1 10.244.0.11",
  weight: 80,
  flows: 30,
  packets: 300,
  bytes: 12_345,
  client: "198.51.100.2",
};

Deno.test("formatTable() puts backends below their listener, with shares within it", () => {
  const rows = [
    row,
    { ...row, backend: "b2 10.244.0.12", flows: 10 },
    { ...row, listener: "UDP 192.0.2.10:53", flows: 5 },
  ];
  assertEquals(formatTable(rows), [
    "LISTENER, BACKEND  WEIGHT    SHARE  FLOWS  PACKETS    BYTES  CLIENT SEEN",
    "TCP 192.0.2.10:80",
    "  b1 10.244.0.11       80   75.0 %     30      300  12.3 kB  198.51.100.2",
    "  b2 10.244.0.12       80   25.0 %     10      300  12.3 kB  198.51.100.2",
    "UDP 192.0.2.10:53",
    "  b1 10.244.0.11       80  100.0 %      5      300  12.3 kB  198.51.100.2",
  ]);
});

Deno.test("formatTable() leaves open what is unknown", () => {
  const { weight: _weight, client: _client, ...unknown } = row;
  const [, , line] = formatTable([{ ...unknown, flows: 0 }]);
  assertEquals(line, "  b1 10.244.0.11        -      -      0      300  12.3 kB");
});
