// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { formatAddress, formatEndpoint, formatWireAddress, parseAddress, wireAddress } from "./address.ts";

Deno.test("parseAddress() maps IPv4 into IPv6, in network byte order", () => {
  assertEquals(parseAddress("10.1.2.255").toHex(), "00000000000000000000ffff0a0102ff");
});

Deno.test("parseAddress() reads IPv6 with and without zeros left out", () => {
  assertEquals(parseAddress("2001:db8::1").toHex(), "20010db8000000000000000000000001");
  assertEquals(parseAddress("1:2:3:4:5:6:7:8").toHex(), "00010002000300040005000600070008");
  assertEquals(parseAddress("::").toHex(), "0".repeat(32));
  assertEquals(parseAddress("64:ff9b::192.0.2.33").toHex(), "0064ff9b0000000000000000c0000221");
});

Deno.test("parseAddress() refuses what is no address, and names it", () => {
  const bad = [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "g::",
    "1:2:3:4:5:6:7::8",
  ];
  for (const text of bad) assertThrows(() => parseAddress(text), SyntaxError, `"${text}" is no IP address`);
});

Deno.test("formatAddress() writes the canonical text of RFC 5952", () => {
  const canonical = ["10.0.0.1", "2001:db8::1", "::1", "fe80::", "1:0:0:2::3", "2001:db8:0:1:1:1:1:1"];
  for (const text of canonical) assertEquals(formatAddress(parseAddress(text)), text);
  assertEquals(formatAddress(parseAddress("2001:DB8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
});

Deno.test("parseAddress() reads back what formatAddress() wrote, for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
    assertEquals(parseAddress(formatAddress(bytes)), bytes);
  }));
});

Deno.test("wireAddress() has 4 or 16 bytes, and formatWireAddress() reads them", () => {
  assertEquals([wireAddress("10.0.0.1").length, wireAddress("2001:db8::1").length], [4, 16]);
  for (const text of ["10.0.0.1", "2001:db8::1"]) assertEquals(formatWireAddress(wireAddress(text)), text);
  assertEquals(formatWireAddress(new Uint8Array()), "");
  assertThrows(() => formatWireAddress(new Uint8Array(5)), SyntaxError, "4 or 16 bytes, not 5");
});

Deno.test("formatEndpoint() puts IPv6 addresses in brackets", () => {
  assertEquals([formatEndpoint("10.0.0.1", 80), formatEndpoint("::1", 80)], ["10.0.0.1:80", "[::1]:80"]);
});
