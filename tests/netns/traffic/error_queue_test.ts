// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseIcmpError, shortest, socketAddress } from "./error_queue.ts";

/** A control message as the kernel makes one: EHOSTUNREACH, origin, type, code, and who sent it. */
function control(origin: number, type: number, offender: Uint8Array): Uint8Array {
  const header = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0];
  const error = [113, 0, 0, 0, origin, type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  return new Uint8Array([...header, ...error, ...offender]);
}

Deno.test("parseIcmpError() reads type, code and sender of either family", () => {
  assertEquals(parseIcmpError(control(2, 11, socketAddress("203.0.113.1", 0)), "ipv4"), {
    type: 11,
    code: 0,
    from: "203.0.113.1",
  });
  assertEquals(parseIcmpError(control(3, 3, socketAddress("2001:db8:e::1", 0)), "ipv6"), {
    type: 3,
    code: 0,
    from: "2001:db8:e::1",
  });
});

Deno.test("parseIcmpError() takes no local error for one, and nothing that ends early", () => {
  const local = control(1, 11, socketAddress("203.0.113.1", 0));
  assertEquals(parseIcmpError(local, "ipv4"), undefined);
  const whole = control(2, 11, socketAddress("203.0.113.1", 0));
  assertEquals(parseIcmpError(whole.subarray(0, 39), "ipv4"), undefined);
  assertEquals(parseIcmpError(new Uint8Array(), "ipv6"), undefined);
});

Deno.test("socketAddress() lays out family, port and address as the kernel reads them", () => {
  assertEquals([...socketAddress("192.0.2.10", 0x1234)], [
    2,
    0,
    0x12,
    0x34,
    192,
    0,
    2,
    10,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  const v6 = socketAddress("2001:db8::10", 53);
  assertEquals([...v6.subarray(0, 12)], [10, 0, 0, 53, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8]);
  assertEquals([...v6.subarray(12)], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0].slice(0, 16));
});

Deno.test("shortest() leaves out the longest run of zeros", () => {
  assertEquals(shortest("fd00:30:0::12"), "fd00:30::12");
  assertEquals(shortest("2001:0db8:0:0:1:0:0:0"), "2001:db8:0:0:1::");
});
