// SPDX-License-Identifier: Apache-2.0

import type { Family } from "../addresses.ts";

/** An ICMP or ICMPv6 error about a packet that a socket sent (`struct sock_extended_err`, ip(7)). */
export interface IcmpError {
  readonly type: number;
  readonly code: number;
  /** Who sent the error, as text. */
  readonly from: string;
}

/** SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6 (linux/errqueue.h). */
const ICMP_ORIGINS: readonly number[] = [2, 3];

/** `struct cmsghdr`, and `struct sock_extended_err` behind it, in bytes. */
const HEADER = 16, ERROR = 16;

/** Where an address is in `struct sockaddr_in` and `struct sockaddr_in6`. */
const ADDRESS = { ipv4: 4, ipv6: 8 } as const;

/** Reads the one control message of an error queue; undefined when it tells of no ICMP error. */
export function parseIcmpError(control: Uint8Array, family: Family): IcmpError | undefined {
  const offender = HEADER + ERROR + ADDRESS[family];
  if (control.length < offender + (family === "ipv4" ? 4 : 16)) return undefined;
  const [origin, type, code] = control.subarray(HEADER + 4, HEADER + 7);
  if (!ICMP_ORIGINS.includes(origin!)) return undefined;
  return { type: type!, code: code!, from: addressText(control.subarray(offender), family) };
}

/** `struct sockaddr_in` or `sockaddr_in6` of an address and a port, little endian machines. */
export function socketAddress(address: string, port: number): Uint8Array<ArrayBuffer> {
  const v6 = address.includes(":");
  const bytes = new Uint8Array(v6 ? 28 : 16);
  bytes.set([v6 ? 10 : 2, 0, port >> 8, port & 0xff]);
  bytes.set(v6 ? ipv6Bytes(address) : address.split(".").map(Number), v6 ? ADDRESS.ipv6 : ADDRESS.ipv4);
  return bytes;
}

function addressText(bytes: Uint8Array, family: Family): string {
  if (family === "ipv4") return bytes.subarray(0, 4).join(".");
  const words = Array.from({ length: 8 }, (_, at) => (bytes[2 * at]! << 8 | bytes[2 * at + 1]!).toString(16));
  return shortest(words.join(":"));
}

/** An IPv6 address as URLs have it: in the shortest form. */
export function shortest(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function ipv6Bytes(address: string): number[] {
  const [head = [], tail = []] = address.split("::").map((part) =>
    part.split(":").filter((word) => word !== "")
  );
  const words = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return words.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]);
}
