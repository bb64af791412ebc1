// SPDX-License-Identifier: Apache-2.0

import { type Aged, compareAge } from "./age.ts";

/** A Gateway with its addresses and the ports that its valid listeners want on each of them. */
export interface PortRequest extends Aged {
  readonly addresses: readonly string[];
  /** "TCP/80". */
  readonly ports: readonly string[];
}

/**
 * Settles who gets a port where Gateways share an address: the older one. Answers,
 * for each request, the ports it does not get, with the name of the Gateway that
 * has them. A port lost on one address is lost on all, because a listener is bound to
 * every address of its Gateway (GatewaySpec.addresses).
 */
export function settlePorts(requests: readonly PortRequest[]): readonly ReadonlyMap<string, string>[] {
  const owners = new Map<string, string>();
  const lost = requests.map(() => new Map<string, string>());
  const order = requests.map((request, index) => ({ request, index }))
    .sort((a, b) => compareAge(a.request, b.request));
  for (const { request, index } of order) {
    for (const port of request.ports) {
      const keys = request.addresses.map((address) => `${address} ${port}`);
      const owner = keys.map((key) => owners.get(key)).find((name) => name !== undefined);
      if (owner !== undefined) lost[index]?.set(port, owner);
      else for (const key of keys) owners.set(key, `Gateway ${request.namespace ?? ""}/${request.name}`);
    }
  }
  return lost;
}
