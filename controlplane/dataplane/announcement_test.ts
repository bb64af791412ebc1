// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { announcement } from "./announcement.ts";

const mac = "02000000000a";

Deno.test("announcement() of an IPv4 address is an ARP request of the address for itself, to everybody", () => {
  assertEquals(
    announcement("192.0.2.10", mac).toHex(),
    [
      ["ffffffffffff", mac, "0806"],
      ["0001", "0800", "06", "04", "0001"],
      [mac, "c000020a"],
      ["000000000000", "c000020a"],
    ].flat().join(""),
  );
});

Deno.test("announcement() of an IPv6 address is an unsolicited advertisement that overrides, to all nodes", () => {
  const address = "20010db8000000000000000000000010";
  const frame = announcement("2001:db8::10", mac);
  const at = (from: number, to: number): string => frame.slice(from, to).toHex();
  assertEquals(at(0, 14), `333300000001${mac}86dd`);
  assertEquals(at(14, 54), `60000000${"0020"}3aff${address}ff020000000000000000000000000001`);
  assertEquals(at(54, 56), "8800");
  assertEquals(at(58, 86), `20000000${address}0201${mac}`);
});

Deno.test("announcement() of an IPv6 address has a checksum that adds up to all ones with its pseudo-header", () => {
  for (const address of ["2001:db8::10", "fe80::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]) {
    const frame = announcement(address, mac);
    const view = new DataView(frame.buffer);
    // Both addresses and the message, and of the pseudo-header length 32 and next header 58.
    let sum = 32 + 58;
    for (let at = 22; at < frame.length; at += 2) sum += view.getUint16(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    assertEquals(sum, 0xffff, address);
  }
});
