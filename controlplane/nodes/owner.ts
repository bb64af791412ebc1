// SPDX-License-Identifier: Apache-2.0

// Which node announces which address. Every node computes it for itself, so
// nobody has to assign addresses, and none moves but those of a node that came
// or went: rendezvous hashing (Thaler and Ravishankar, "Using Name-Based
// Mappings to Increase Hit Rates", 1998).

import { hash32 } from "../hash.ts";
import type { DesiredService } from "../translate/desired.ts";

/** The node that announces the address; undefined when there is none. The order of the nodes does not count. */
export function ownerOf(address: string, nodes: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const node of nodes) {
    const weight = hash32(`${address} ${node}`);
    if (weight < highest || (weight === highest && node > owner!)) continue;
    owner = node;
    highest = weight;
  }
  return owner;
}

/** Finds the addresses that one node announces, and remembers the owners as long as the nodes stay. */
export class Ownership {
  readonly #node: string;
  #nodes: readonly string[] = [];
  #owners = new Map<string, string | undefined>();

  constructor(node: string) {
    this.#node = node;
  }

  /** The addresses of the services that are this node's, in the services' order. */
  addresses(services: readonly DesiredService[], nodes: readonly string[]): readonly string[] {
    if (nodes !== this.#nodes) this.#owners = new Map();
    this.#nodes = nodes;
    const owners = new Map<string, string | undefined>();
    for (const { address } of services) {
      if (!owners.has(address)) owners.set(address, this.#owners.get(address) ?? ownerOf(address, nodes));
    }
    this.#owners = owners;
    return [...owners].filter(([, owner]) => owner === this.#node).map(([address]) => address);
  }
}
