// SPDX-License-Identifier: Apache-2.0

/** IP address families, named as EndpointSlice.addressType names them. */
export type IpFamily = "IPv4" | "IPv6";

/** An IP address as a number: of 32 bits for IPv4, of 128 for IPv6. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly number: bigint;
}

/** Addresses from first to last, both included, of one family. */
export interface IpRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

const BITS = { IPv4: 32, IPv6: 128 } as const;
const MAPPED_PREFIX = 0xffffn;

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let number = 0;
  for (const part of parts) {
    const byte = Number(part);
    // Only canonical decimals: a leading zero would be octal to some programs, so Kubernetes refuses it too.
    if (!(byte >= 0 && byte <= 255) || String(byte) !== part) return undefined;
    number = number * 256 + byte;
  }
  return BigInt(number);
}

/** The 16-bit groups of one side of "::". */
function parseGroups(text: string): string[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) ? groups : undefined;
}

/** Writes dotted decimals at the end as two groups. */
function withoutDots(text: string): string | undefined {
  const colon = text.lastIndexOf(":");
  const number = parseIpv4(text.slice(colon + 1));
  if (number === undefined) return undefined;
  return `${text.slice(0, colon + 1)}${(number >> 16n).toString(16)}:${(number & 0xffffn).toString(16)}`;
}

function parseIpv6(text: string): bigint | undefined {
  const plain = text.includes(".") ? withoutDots(text) : text;
  const halves = plain?.split("::") ?? [];
  if (halves.length !== 1 && halves.length !== 2) return undefined;
  const head = parseGroups(halves[0] ?? "");
  const tail = parseGroups(halves[1] ?? "");
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill("0"), ...tail];
  return groups.reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n);
}

/**
 * Reads an IPv4 or IPv6 address (RFC 4291, section 2.2); undefined when the
 * text is none. An IPv4-mapped address (::ffff:192.0.2.1) is the IPv4 address.
 * Zones (fe80::1%eth0), prefixes and leading zeros in IPv4 are refused.
 */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(":")) {
    const number = parseIpv4(text);
    return number === undefined ? undefined : { family: "IPv4", number };
  }
  const number = parseIpv6(text);
  if (number === undefined) return undefined;
  if (number >> 32n === MAPPED_PREFIX) return { family: "IPv4", number: number & 0xffffffffn };
  return { family: "IPv6", number };
}

/** Canonical text: dotted decimal for IPv4, RFC 5952 for IPv6. */
export function formatIp(address: IpAddress): string {
  if (address.family === "IPv4") {
    const number = Number(address.number);
    return `${number >>> 24}.${(number >>> 16) & 0xff}.${(number >>> 8) & 0xff}.${number & 0xff}`;
  }
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((address.number >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const zeros = longestZeroRun(groups);
  if (zeros.length < 2) return groups.join(":");
  const head = groups.slice(0, zeros.start).join(":");
  const tail = groups.slice(zeros.start + zeros.length).join(":");
  return `${head}::${tail}`;
}

/** The first of the longest runs of zero groups: what RFC 5952, section 4.2 writes as "::". */
function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === "0") continue;
    if (index - start > best.length) best = { start, length: index - start };
    start = index + 1;
  }
  return best;
}

/** The canonical text of an address, or undefined when the text is none. */
export function canonicalIp(text: string): string | undefined {
  const address = parseIp(text);
  return address === undefined ? undefined : formatIp(address);
}

/** The family of an address in canonical text. */
export function familyOf(canonical: string): IpFamily {
  return canonical.includes(":") ? "IPv6" : "IPv4";
}

/** The address in network byte order: 4 bytes for IPv4, 16 for IPv6. */
export function ipBytes(address: IpAddress): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BITS[address.family] / 8);
  let rest = address.number;
  for (let index = bytes.length - 1; index >= 0; index--) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The address as 16 bytes in network byte order; IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
export function ipBytes16(address: IpAddress): Uint8Array<ArrayBuffer> {
  const number = address.family === "IPv4" ? (MAPPED_PREFIX << 32n) | address.number : address.number;
  return ipBytes({ family: "IPv6", number });
}

/** The address of 4 bytes (IPv4) or 16 (IPv6, or IPv4-mapped), in network byte order. */
export function ipFromBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new RangeError(`An IP address has 4 or 16 bytes, not ${bytes.length}`);
  }
  const number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (bytes.length === 4) return { family: "IPv4", number };
  if (number >> 32n === MAPPED_PREFIX) return { family: "IPv4", number: number & 0xffffffffn };
  return { family: "IPv6", number };
}

/** Orders IPv4 before IPv6, then by number. */
export function compareIp(a: IpAddress, b: IpAddress): number {
  if (a.family !== b.family) return a.family === "IPv4" ? -1 : 1;
  return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
}

/**
 * Reads a block such as "192.0.2.0/27": every address of it, the first and the
 * last included. Undefined when the text is none, or has bits set below the prefix.
 */
export function parseCidr(text: string): IpRange | undefined {
  const [base, length, ...more] = text.split("/");
  if (base === undefined || length === undefined || more.length > 0) return undefined;
  const address = parseIp(base);
  if (address === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(length)) return undefined;
  const hostBits = BITS[address.family] - Number(length);
  if (hostBits < 0) return undefined;
  const hosts = (1n << BigInt(hostBits)) - 1n;
  if ((address.number & hosts) !== 0n) return undefined;
  return { family: address.family, first: address.number, last: address.number | hosts };
}

/** The range from start to end, both included; undefined when they are no addresses of one family in order. */
export function parseRange(start: string, end: string): IpRange | undefined {
  const first = parseIp(start);
  const last = parseIp(end);
  if (first === undefined || last === undefined) return undefined;
  if (first.family !== last.family || first.number > last.number) return undefined;
  return { family: first.family, first: first.number, last: last.number };
}

/** Whether the address lies in the range. */
export function rangeContains(range: IpRange, address: IpAddress): boolean {
  return range.family === address.family && range.first <= address.number && address.number <= range.last;
}
