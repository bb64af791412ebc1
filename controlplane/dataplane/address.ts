// SPDX-License-Identifier: Apache-2.0

/** Bytes of an address in the kernel's maps. */
export const ADDRESS_SIZE = 16;

const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as const;

/**
 * An address as the maps hold it: 16 bytes in network byte order, IPv4 mapped into IPv6 (RFC 4291,
 * section 2.5.5.2). Throws a SyntaxError for text that is no IP address.
 */
export function parseAddress(text: string): Uint8Array {
  const bytes = text.includes(":") ? parseIPv6(text) : parseIPv4(text);
  if (bytes === undefined) throw new SyntaxError(`"${text}" is no IP address`);
  return bytes;
}

function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return Uint8Array.from([...MAPPED_PREFIX, ...parts.map(Number)]);
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = [words(halves[0] ?? ""), words(halves[1] ?? "")];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

/** The 16-bit groups of a part of an IPv6 address, with an IPv4 address at its end allowed. */
function words(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const last = groups.at(-1) ?? "";
  const ipv4 = last.includes(".") ? parseIPv4(last) : undefined;
  if (last.includes(".") && ipv4 === undefined) return undefined;
  const plain = ipv4 === undefined ? groups : groups.slice(0, -1);
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const numbers = plain.map((group) => parseInt(group, 16));
  if (ipv4 !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = ipv4.subarray(12);
    numbers.push(a << 8 | b, c << 8 | d);
  }
  return numbers;
}

/** True when 16 bytes hold an IPv4 address. */
export function isIPv4(bytes: Uint8Array): boolean {
  return MAPPED_PREFIX.every((byte, i) => bytes[i] === byte);
}

/** Canonical text (RFC 5952) of an address as parseAddress() returns it. */
export function formatAddress(bytes: Uint8Array): string {
  if (isIPv4(bytes)) return bytes.subarray(12, 16).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) << 8 | (bytes[2 * i + 1] ?? 0));
  const zeros = longestZeros(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** The 4 or 16 bytes in which the loader's network messages carry an address. */
export function wireAddress(text: string): Uint8Array {
  const bytes = parseAddress(text);
  return isIPv4(bytes) ? bytes.slice(12) : bytes;
}

/** Text of an address of 4 or 16 bytes; empty for no bytes. Throws a SyntaxError for another length. */
export function formatWireAddress(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== ADDRESS_SIZE) {
    throw new SyntaxError(`An address has 4 or 16 bytes, not ${bytes.length}`);
  }
  return formatAddress(bytes);
}

/** "10.0.0.1:80" or "[2001:db8::1]:80". */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
