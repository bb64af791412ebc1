// SPDX-License-Identifier: Apache-2.0

import type { AddressRange, GatewayClassConfig } from "../api/gateway_class_config.ts";
import { type IpAddress, type IpRange, parseCidr, parseRange, rangeContains } from "../api/ip.ts";

/** The addresses of a GatewayClass. */
export interface AddressPolicy {
  /** Where addresses that nobody named come from. */
  readonly pools: readonly IpRange[];
  /** The addresses that Gateways may name; any when absent. */
  readonly staticRanges?: readonly IpRange[];
}

/** The policy of a class without parametersRef: no pool, every static address. */
export const NO_POOL: AddressPolicy = { pools: [] };

/** Addresses that no Gateway can have: unspecified, loopback, link-local IPv6, multicast and broadcast (RFC 6890). */
const RESERVED: readonly IpRange[] = [
  { family: "IPv4", first: 0n, last: 0x00ffffffn },
  { family: "IPv4", first: 0x7f000000n, last: 0x7fffffffn },
  { family: "IPv4", first: 0xe0000000n, last: 0xffffffffn },
  { family: "IPv6", first: 0n, last: 1n },
  { family: "IPv6", first: 0xfe80n << 112n, last: (0xfec0n << 112n) - 1n },
  { family: "IPv6", first: 0xff00n << 112n, last: (1n << 128n) - 1n },
];

/** Whether one of the ranges holds the address. */
export function within(ranges: readonly IpRange[], address: IpAddress): boolean {
  return ranges.some((range) => rangeContains(range, address));
}

/** Whether the address is one that no Gateway can have. */
export function isReserved(address: IpAddress): boolean {
  return within(RESERVED, address);
}

function overlap(a: IpRange, b: IpRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function parseAddressRange(range: AddressRange): IpRange | undefined {
  if (range.cidr !== undefined) {
    return range.start === undefined && range.end === undefined ? parseCidr(range.cidr) : undefined;
  }
  return range.start !== undefined && range.end !== undefined
    ? parseRange(range.start, range.end)
    : undefined;
}

/** Reads a GatewayClassConfig; throws a RangeError that names the field when an address range cannot be had. */
export function parseAddressPolicy(config: GatewayClassConfig): AddressPolicy {
  const parseAll = (field: string, ranges: readonly AddressRange[]): IpRange[] =>
    ranges.map((range, index) => {
      const parsed = parseAddressRange(range);
      if (parsed !== undefined) return parsed;
      throw new RangeError(
        `spec.${field}[${index}] must have either a cidr without host bits, or a start and an end in order`,
      );
    });
  const pools = parseAll("addressPools", config.spec?.addressPools ?? []);
  const bad = pools.findIndex((pool) => RESERVED.some((reserved) => overlap(pool, reserved)));
  if (bad >= 0) {
    throw new RangeError(
      `spec.addressPools[${bad}] must have no loopback, link-local, multicast or unspecified address`,
    );
  }
  const named = config.spec?.staticAddresses;
  return named === undefined ? { pools } : { pools, staticRanges: parseAll("staticAddresses", named) };
}

/** FNV-1a of 32 bits. */
function hash(text: string): bigint {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  }
  return BigInt(sum >>> 0);
}

/** The addresses of ranges of one family, each once, around from a starting point that follows from the seed. */
export function* probe(ranges: readonly IpRange[], seed: string): Generator<IpAddress> {
  const start = hash(seed);
  const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  for (let step = 0n; step < size; step++) {
    let offset = (start + step) % size;
    for (const { family, first, last } of ranges) {
      const length = last - first + 1n;
      if (offset < length) {
        yield { family, number: first + offset };
        break;
      }
      offset -= length;
    }
  }
}
