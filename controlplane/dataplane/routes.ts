// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import type { DesiredDataplane, DesiredService } from "../translate/desired.ts";
import { formatWireAddress, wireAddress } from "./address.ts";

/** The way to a backend. */
export interface Hop {
  /** 0 when there is no way, or the address is the host's own. */
  readonly ifindex: number;
  /** Empty when on-link. */
  readonly gateway: string;
  /** The address is the host's own. */
  readonly local?: boolean;
  /** The host's own address that it would send from; empty or absent when not known. */
  readonly source?: string;
}

/** Ways to backends, as the routing table of the host has them. */
export interface Routes {
  /** Changes when all ways may have changed. */
  readonly version: number;
  /** Of an address that was not asked for: no way. */
  get(address: string): Hop;
}

const NO_WAY: Hop = { ifindex: 0, gateway: "" };
const LOCAL: Hop = { ...NO_WAY, local: true };

/** Addresses in one request. */
const CHUNK = 4_096;

/**
 * Remembers the ways to endpoints, so that each is asked for once as long as the routing table stays. Needed
 * because bpf_fib_lookup() refuses on interfaces whose forwarding is off.
 */
export class RouteCache implements Routes {
  #hops = new Map<string, Hop>();
  #known = new WeakSet<DesiredService>();
  #generation: number | undefined;
  #version = 0;

  get version(): number {
    return this.#version;
  }

  get(address: string): Hop {
    return this.#hops.get(address) ?? NO_WAY;
  }

  /** Asks for the ways that are missing; for all of them when the routing table's generation is another. */
  async update(
    client: LoaderClient,
    desired: DesiredDataplane,
    generation: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const fresh = generation !== this.#generation;
    const hops = fresh ? new Map<string, Hop>() : this.#hops;
    const services = desired.services.filter((service) => fresh || !this.#known.has(service));
    const missing = new Set(
      services.flatMap((service) => service.groups).flatMap((group) => group.endpoints)
        .flatMap(({ address, node }) => node === undefined ? [address] : [address, node]).filter((address) =>
          !hops.has(address)
        ),
    );
    const addresses = [...missing];
    for (let start = 0; start < addresses.length; start += CHUNK) {
      const part = addresses.slice(start, start + CHUNK);
      const routes = await client.resolve(part.map(wireAddress), { signal });
      routes.forEach((route, i) => {
        const hop = route.local ? LOCAL : {
          ifindex: route.ifindex,
          gateway: formatWireAddress(route.gateway),
          source: formatWireAddress(route.source),
        };
        hops.set(part[i] as string, hop);
      });
    }
    for (const service of services) this.#known.add(service);
    if (!fresh) return;
    if (!sameHops(hops, this.#hops)) this.#version++;
    this.#hops = hops;
    this.#generation = generation;
  }
}

function sameHops(a: ReadonlyMap<string, Hop>, b: ReadonlyMap<string, Hop>): boolean {
  return a.size === b.size && [...a].every(([address, hop]) => {
    const other = b.get(address);
    return other?.ifindex === hop.ifindex && other.gateway === hop.gateway && other.local === hop.local &&
      other.source === hop.source;
  });
}
