// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  canonicalIp,
  compareIp,
  familyOf,
  formatIp,
  type IpAddress,
  ipBytes,
  ipBytes16,
  ipFromBytes,
  parseCidr,
  parseIp,
  parseRange,
  rangeContains,
} from "./ip.ts";

const ipv4 = fc.bigInt(0n, 0xffffffffn).map((number): IpAddress => ({ family: "IPv4", number }));
/** Sparse groups, so that runs of zeros occur. */
const ipv6 = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n))
  .filter((number) => number >> 32n !== 0xffffn)
  .map((number): IpAddress => ({ family: "IPv6", number }));
const ip = fc.oneof(ipv4, ipv6);

Deno.test("parseIp() reads IPv4", () => {
  assertEquals(parseIp("192.0.2.1"), { family: "IPv4", number: 0xc0000201n });
  assertEquals(parseIp("0.0.0.0")?.number, 0n);
  assertEquals(parseIp("255.255.255.255")?.number, 0xffffffffn);
});

for (
  const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4/24",
    " 1.2.3.4",
    "1.2.3.-4",
    "1.2.3.",
    "1e1.2.3.4",
    "0x1.2.3.4",
    "echo.example",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "::g",
    "fe80::1%eth0",
    "::1.2.3",
    "1.2.3.4::",
    "::1/64",
  ]
) {
  Deno.test(`parseIp() refuses "${text}"`, () => assertEquals(parseIp(text), undefined));
}

Deno.test("canonicalIp() writes IPv6 as RFC 5952, section 4 asks", () => {
  const cases = {
    "2001:0db8:0000:0000:0000:0000:0002:0001": "2001:db8::2:1",
    "2001:DB8::1": "2001:db8::1",
    // One zero group alone is not shortened; of two equal runs the first is.
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "0:0:0:0:0:0:0:0": "::",
    "0:0:0:0:0:0:0:1": "::1",
    "1:0:0:0:0:0:0:0": "1::",
    "64:ff9b::192.0.2.33": "64:ff9b::c000:221",
  };
  for (const [text, canonical] of Object.entries(cases)) assertEquals(canonicalIp(text), canonical);
});

Deno.test("parseIp() takes an IPv4-mapped address as the IPv4 address", () => {
  assertEquals(canonicalIp("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(canonicalIp("::ffff:c000:201"), "192.0.2.1");
});

Deno.test("formatIp() and parseIp() are each other's inverse", () => {
  fc.assert(fc.property(ip, (address) => assertEquals(parseIp(formatIp(address)), address)));
});

Deno.test("formatIp() writes what the URL parser of the platform writes", () => {
  fc.assert(fc.property(ipv6, (address) => {
    assertEquals(`[${formatIp(address)}]`, new URL(`http://[${formatIp(address)}]/`).hostname);
  }));
});

Deno.test("ipBytes() is in network byte order", () => {
  assertEquals([...ipBytes({ family: "IPv4", number: 0xc0000201n })], [192, 0, 2, 1]);
  assertEquals([...ipBytes({ family: "IPv6", number: 0x20010db8n << 96n })].slice(0, 5), [
    0x20,
    1,
    0x0d,
    0xb8,
    0,
  ]);
});

Deno.test("ipBytes16() maps IPv4 into IPv6", () => {
  const bytes = ipBytes16({ family: "IPv4", number: 0xc0000201n });
  assertEquals([...bytes], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]);
});

Deno.test("ipFromBytes() reads what ipBytes() and ipBytes16() wrote", () => {
  fc.assert(fc.property(ip, (address) => {
    assertEquals(ipFromBytes(ipBytes(address)), address);
    assertEquals(ipFromBytes(ipBytes16(address)), address);
  }));
  assertThrows(() => ipFromBytes(new Uint8Array(5)), RangeError, "4 or 16 bytes, not 5");
});

Deno.test("compareIp() orders IPv4 before IPv6, then by number", () => {
  const sorted = ["9.0.0.1", "10.0.0.1", "::1", "2001:db8::1"];
  const parse = (text: string): IpAddress => parseIp(text) as IpAddress;
  assertEquals([...sorted].reverse().map(parse).sort(compareIp).map(formatIp), sorted);
  assertEquals(compareIp(parse("::1"), parse("::1")), 0);
});

Deno.test("familyOf() tells the families of canonical text apart", () => {
  fc.assert(fc.property(ip, (address) => assertEquals(familyOf(formatIp(address)), address.family)));
});

Deno.test("parseCidr() answers the whole block", () => {
  assertEquals(parseCidr("192.0.2.0/30"), { family: "IPv4", first: 0xc0000200n, last: 0xc0000203n });
  assertEquals(parseCidr("192.0.2.7/32"), { family: "IPv4", first: 0xc0000207n, last: 0xc0000207n });
  assertEquals(parseCidr("0.0.0.0/0"), { family: "IPv4", first: 0n, last: 0xffffffffn });
  assertEquals(parseCidr("2001:db8::/127")?.last, (0x20010db8n << 96n) + 1n);
});

for (
  const text of [
    "192.0.2.1",
    "192.0.2.1/24",
    "192.0.2.0/33",
    "::/129",
    "192.0.2.0/",
    "192.0.2.0/024",
    "a/8",
    "1.0.0.0/8/8",
  ]
) {
  Deno.test(`parseCidr() refuses "${text}"`, () => assertEquals(parseCidr(text), undefined));
}

Deno.test("parseRange() answers the addresses from start to end", () => {
  assertEquals(parseRange("192.0.2.1", "192.0.2.9"), {
    family: "IPv4",
    first: 0xc0000201n,
    last: 0xc0000209n,
  });
  assertEquals(parseRange("192.0.2.1", "192.0.2.1")?.last, 0xc0000201n);
});

Deno.test("parseRange() refuses what is no range of one family in order", () => {
  for (
    const [start, end] of [["192.0.2.9", "192.0.2.1"], ["192.0.2.1", "::1"], ["x", "::1"], [
      "::1",
      "",
    ]] as const
  ) {
    assertEquals(parseRange(start, end), undefined);
  }
});

Deno.test("rangeContains() includes both ends and keeps the families apart", () => {
  const range = parseRange("192.0.2.1", "192.0.2.3");
  const holds = (text: string): boolean => rangeContains(range!, parseIp(text)!);
  assert(holds("192.0.2.1") && holds("192.0.2.2") && holds("192.0.2.3"));
  assert(!holds("192.0.2.0") && !holds("192.0.2.4") && !holds("::c000:202"));
});
