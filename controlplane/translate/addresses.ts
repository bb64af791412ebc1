// SPDX-License-Identifier: Apache-2.0

// Gives Gateways their addresses. The order of the rounds is what makes
// assignments stable: what a Gateway holds, by its status, it keeps.

import type { Gateway } from "../api/gateway.ts";
import { familyOf, formatIp, type IpAddress, type IpFamily, parseIp } from "../api/ip.ts";
import { type AddressPolicy, isReserved, probe, within } from "./address_pool.ts";
import { type Aged, agedOf, sortByAge } from "./age.ts";

/** What a Gateway asks for and what it holds. */
export interface AddressRequest extends Aged {
  /** spec.addresses with values. */
  readonly named: readonly string[];
  /** Entries of spec.addresses without value; undefined when spec.addresses is empty: one of each family then. */
  readonly unnamed: number | undefined;
  /** Addresses of status.addresses. */
  readonly held: readonly string[];
  /** Absent when the class is not valid: then a Gateway keeps what it holds and gets nothing new. */
  readonly policy: AddressPolicy | undefined;
  /** False for a Gateway that is not accepted: it keeps what it holds and gets nothing from the pool. */
  readonly eligible: boolean;
}

/** What a Gateway got. */
export interface AddressAnswer {
  /** Canonical texts: named ones first, in the order of spec.addresses. */
  readonly addresses: readonly string[];
  /** Sentences about named addresses that cannot be used. */
  readonly unusable: readonly string[];
  /** Sentences about addresses that could not be assigned. */
  readonly unassigned: readonly string[];
}

/** The request of a Gateway whose class has this policy. */
export function addressRequest(
  gateway: Gateway,
  policy: AddressPolicy | undefined,
  eligible: boolean,
): AddressRequest {
  const asked = (gateway.spec.addresses ?? []).filter(({ type }) => (type ?? "IPAddress") === "IPAddress");
  const named = asked.flatMap(({ value }) => value === undefined || value === "" ? [] : [value]);
  return {
    ...agedOf(gateway.metadata),
    named: [...new Set(named)],
    unnamed: (gateway.spec.addresses ?? []).length === 0 ? undefined : asked.length - named.length,
    held: (gateway.status?.addresses ?? []).flatMap(({ type, value }) =>
      (type ?? "IPAddress") === "IPAddress" && value !== undefined ? [value] : []
    ),
    policy,
    eligible,
  };
}

/** A place in a Gateway's list of addresses that the pool fills. */
interface Slot {
  /** Absent where an address of any family will do. */
  readonly family?: IpFamily;
  address?: string;
}

const FAMILIES: readonly IpFamily[] = ["IPv4", "IPv6"];

/** One Gateway in the course of assignment. */
class Claim {
  readonly request: AddressRequest;
  readonly granted: string[] = [];
  readonly unusable: string[] = [];
  readonly slots: Slot[];
  /** Named addresses by canonical text, not yet decided. */
  readonly named = new Map<string, IpAddress>();
  readonly held: ReadonlyMap<string, IpAddress>;

  constructor(request: AddressRequest) {
    this.request = request;
    this.held = new Map(request.held.flatMap((text) => {
      const address = parseIp(text);
      return address === undefined ? [] : [[formatIp(address), address] as const];
    }));
    for (const value of request.named) {
      const address = parseIp(value);
      if (address === undefined) this.unusable.push(`${value} in spec.addresses is not an IP address.`);
      else this.named.set(formatIp(address), address);
    }
    this.slots = this.#slots();
  }

  /** Without spec.addresses one address of each family of the pool; entries without value take any. */
  #slots(): Slot[] {
    const { policy, unnamed } = this.request;
    if (unnamed !== undefined) return Array.from({ length: unnamed }, () => ({}));
    const families = FAMILIES.filter((family) =>
      policy === undefined
        ? [...this.held.values()].some((held) => held.family === family)
        : policy.pools.some((pool) => pool.family === family)
    );
    return families.length === 0 ? [{}] : families.map((family) => ({ family }));
  }

  /** The families that a slot takes, first the one that the other slots have fewest of. */
  familiesFor({ family }: Slot): readonly IpFamily[] {
    if (family !== undefined) return [family];
    const have = this.slots.flatMap(({ address }) => address === undefined ? [] : [familyOf(address)]);
    const count = (family: IpFamily): number => have.filter((one) => one === family).length;
    return FAMILIES.toSorted((a, b) => count(a) - count(b));
  }

  /** Whether the pool holds the address; without a valid class whatever is held counts. */
  inPool(address: IpAddress): boolean {
    const { policy } = this.request;
    return policy === undefined || within(policy.pools, address);
  }

  answer(): AddressAnswer {
    const fromPool = this.slots.flatMap(({ address }) => address ?? []);
    // Without a valid class nobody knows how many addresses there should be: one is enough.
    const content = this.request.policy === undefined && this.request.unnamed === undefined &&
      fromPool.length > 0;
    const missing = content ? [] : this.slots.filter(({ address }) => address === undefined);
    return {
      addresses: [...this.granted, ...fromPool],
      unusable: this.unusable,
      unassigned: missing.map((slot) => this.#whyUnassigned(slot)),
    };
  }

  #whyUnassigned({ family }: Slot): string {
    const { policy, eligible } = this.request;
    if (policy === undefined) {
      return "The GatewayClass is not accepted, so there is no pool; see its conditions.";
    }
    if (!eligible) return "Addresses are assigned once the Gateway is accepted.";
    if (policy.pools.length === 0) {
      return "The GatewayClass has no address pool; name an address in spec.addresses, or give the class a " +
        "GatewayClassConfig with spec.addressPools; one called default is for all classes without parametersRef.";
    }
    return `No ${
      family === undefined ? "" : `${family} `
    }address is free in the GatewayClass's pools; extend spec.addressPools of its GatewayClassConfig.`;
  }
}

/** Options of assignAddresses. */
export interface AssignOptions {
  /**
   * Whether Gateways get new addresses from the pool. False on all control planes
   * but the one that writes status: the others wait to read the assignment.
   */
  readonly fromPool: boolean;
  /** Addresses that nodes have for their own, canonical texts: no Gateway gets one of them from a pool. */
  readonly ofNodes?: ReadonlySet<string>;
}

/**
 * Gives every Gateway its addresses, in four rounds, each oldest first:
 *
 * 1. A named address that the Gateway holds stays.
 * 2. An address from the pool that the Gateway holds stays, unless round 1 gave it away or a node has it.
 * 3. A named address not held is given, unless another Gateway has it from the pool.
 *    Several Gateways may name one address; their ports must not collide.
 * 4. What is missing comes from the pool, an address nobody has. Where the search
 *    begins follows from the Gateway's name, so that without statuses, as in a folder
 *    of manifests, a new Gateway rarely moves another.
 */
export function assignAddresses(
  requests: readonly AddressRequest[],
  options: AssignOptions,
): readonly AddressAnswer[] {
  const claims = requests.map((request) => new Claim(request));
  const byAge = sortByAge(claims, ({ request }) => request);
  const named = new Set<string>();
  const pooled = new Map<string, string>();
  const { fromPool, ofNodes = new Set() } = options;

  for (const claim of byAge) grantHeldNamed(claim, named);
  const given = named.union(ofNodes);
  for (const claim of byAge) keepPooled(claim, given, pooled);
  for (const claim of byAge) grantNamed(claim, named, pooled);
  if (fromPool) {
    const exhausted = new Set<string>();
    const taken = named.union(ofNodes);
    for (const claim of byAge) takeFromPool(claim, taken, pooled, exhausted);
  }
  return claims.map((claim) => claim.answer());
}

/** Why the class or the address itself speaks against a named address. */
function policyProblem(claim: Claim, address: IpAddress): string | undefined {
  if (isReserved(address)) return "it is reserved for other purposes";
  const { policy } = claim.request;
  if (policy === undefined) {
    return claim.held.has(formatIp(address)) ? undefined : "the GatewayClass is not accepted";
  }
  if (policy.staticRanges !== undefined && !within(policy.staticRanges, address)) {
    return "spec.staticAddresses of the class's GatewayClassConfig does not hold it";
  }
  return undefined;
}

function grantHeldNamed(claim: Claim, named: Set<string>): void {
  for (const [text, address] of claim.named) {
    if (claim.held.has(text) && policyProblem(claim, address) === undefined) named.add(text);
  }
}

function keepPooled(claim: Claim, taken: ReadonlySet<string>, pooled: Map<string, string>): void {
  for (const slot of claim.slots) {
    for (const [text, address] of claim.held) {
      if ((slot.family ?? address.family) !== address.family || !claim.inPool(address)) continue;
      if (taken.has(text) || claim.named.has(text) || pooled.has(text)) continue;
      slot.address = text;
      pooled.set(text, ownerOf(claim));
      break;
    }
  }
}

function grantNamed(claim: Claim, named: Set<string>, pooled: ReadonlyMap<string, string>): void {
  for (const [text, address] of claim.named) {
    const owner = pooled.get(text);
    const problem = policyProblem(claim, address) ?? (owner && `${owner} has it from the pool`);
    if (problem === undefined) {
      named.add(text);
      claim.granted.push(text);
    } else {
      claim.unusable.push(`Address ${text} in spec.addresses cannot be used: ${problem}.`);
    }
  }
}

function takeFromPool(
  claim: Claim,
  taken: ReadonlySet<string>,
  pooled: Map<string, string>,
  exhausted: Set<string>,
): void {
  const { policy, eligible } = claim.request;
  if (policy === undefined || !eligible) return;
  for (const slot of claim.slots) {
    if (slot.address !== undefined) continue;
    for (const family of claim.familiesFor(slot)) {
      const text = findFree(claim, policy, family, taken, pooled, exhausted);
      if (text === undefined) continue;
      slot.address = text;
      pooled.set(text, ownerOf(claim));
      break;
    }
  }
}

/** An address of that family that nobody has. */
function findFree(
  claim: Claim,
  policy: AddressPolicy,
  family: IpFamily,
  taken: ReadonlySet<string>,
  pooled: ReadonlyMap<string, string>,
  exhausted: Set<string>,
): string | undefined {
  const ranges = policy.pools.filter((pool) => pool.family === family);
  const pool = ranges.map(({ first, last }) => `${first}-${last}`).join();
  // Nothing is given back within a round, so an empty pool need not be searched again.
  if (exhausted.has(pool)) return undefined;
  for (const address of probe(ranges, `${ownerOf(claim)} ${family}`)) {
    const text = formatIp(address);
    if (!taken.has(text) && !pooled.has(text)) return text;
  }
  exhausted.add(pool);
  return undefined;
}

function ownerOf({ request }: Claim): string {
  return `Gateway ${request.namespace ?? ""}/${request.name}`;
}
