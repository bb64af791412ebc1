// SPDX-License-Identifier: Apache-2.0

import type { Listener } from "../api/gateway.ts";
import { type Aged, sortByAge } from "./age.ts";

/** A Gateway with its addresses and the ports that its valid listeners want on each of them. */
export interface PortRequest extends Aged {
  readonly addresses: readonly string[];
  /** Ports of the Gateway's own listeners: "TCP/80". Without any of them it is not accepted and takes none. */
  readonly own: readonly string[];
  /** Ports of its ListenerSets' listeners. */
  readonly others: readonly string[];
}

/** "TCP/80": a port of a listener, of its protocol. */
export function portName({ protocol, port }: Listener): string {
  return `${protocol}/${port}`;
}

/** Ports that a Gateway does not get, each with the name of the Gateway that has it. */
export type LostPorts = Readonly<Record<string, string>>;

/**
 * Settles who gets a port where Gateways share an address: the older one. Answers
 * in the order of the requests. A port lost on one address is lost on all, because
 * a listener is bound to every address of its Gateway (GatewaySpec.addresses).
 */
export function settlePorts(requests: readonly PortRequest[]): readonly LostPorts[] {
  const owners = new Map<string, string>();
  const answers = new Map<PortRequest, LostPorts>();
  for (const request of sortByAge(requests, (each) => each)) {
    const { addresses, own, others } = request;
    const lost: Record<string, string> = {};
    for (const port of [...own, ...others]) {
      const owner = addresses.map((address) => owners.get(`${address} ${port}`)).find((name) =>
        name !== undefined
      );
      if (owner !== undefined) lost[port] = owner;
    }
    answers.set(request, lost);
    if (own.every((port) => port in lost)) continue;
    const name = `Gateway ${request.namespace ?? ""}/${request.name}`;
    for (const port of [...own, ...others]) {
      if (port in lost) continue;
      for (const address of addresses) owners.set(`${address} ${port}`, name);
    }
  }
  return requests.map((request) => answers.get(request) ?? {});
}
