// SPDX-License-Identifier: Apache-2.0

import type { AddressRange, GatewayClassConfig } from "../api/gateway_class_config.ts";
import { type IpRange, parseCidr, parseRange } from "../api/ip.ts";

/** The addresses of a GatewayClass. */
export interface AddressPolicy {
  /** Where addresses that nobody named come from. */
  readonly pools: readonly IpRange[];
  /** The addresses that Gateways may name; any when absent. */
  readonly staticRanges?: readonly IpRange[];
}

/** The policy of a class without parametersRef: no pool, every static address. */
export const NO_POOL: AddressPolicy = { pools: [] };

function parseAddressRange(range: AddressRange): IpRange | undefined {
  if (range.cidr !== undefined) {
    return range.start === undefined && range.end === undefined ? parseCidr(range.cidr) : undefined;
  }
  return range.start !== undefined && range.end !== undefined
    ? parseRange(range.start, range.end)
    : undefined;
}

/** Reads a GatewayClassConfig; throws a RangeError that names the field when an address range is none. */
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
  const named = config.spec?.staticAddresses;
  return named === undefined ? { pools } : { pools, staticRanges: parseAll("staticAddresses", named) };
}
