// SPDX-License-Identifier: Apache-2.0

import type { EndpointSlice, SliceEndpoint } from "../api/endpoint_slice.ts";
import { compareIp, formatIp, type IpAddress, type IpFamily, parseIp } from "../api/ip.ts";
import type { ServicePort } from "../api/service.ts";
import type { Endpoint } from "./desired.ts";

/** Endpoints by the family of the address that clients use. */
export type EndpointsByFamily = Readonly<Record<IpFamily, readonly Endpoint[]>>;

/** What is known of nodes by their names. */
export interface NodeLookup {
  /** The address by which other nodes reach it, of that family where it has one; undefined when there is none, or no need of it. */
  readonly nodeAddress: (node: string, family: IpFamily) => string | undefined;
  /** Whether it is another than this one; false where there are no nodes. */
  readonly isOtherNode: (node: string) => boolean;
}

const NO_NODES: NodeLookup = { nodeAddress: () => undefined, isOtherNode: () => false };

/** No endpoints. */
export const NO_ENDPOINTS: EndpointsByFamily = { IPv4: [], IPv6: [] };

/**
 * How an endpoint takes part, or undefined when it takes no traffic
 * (EndpointConditions): ready, which absent means true, takes new flows; one that
 * terminates and still serves keeps the flows it has.
 */
export function endpointState(endpoint: SliceEndpoint): "ready" | "draining" | undefined {
  const { ready, serving, terminating } = endpoint.conditions ?? {};
  if (ready ?? true) return "ready";
  return (terminating ?? false) && (serving ?? false) ? "draining" : undefined;
}

/** The port numbers behind a Service's port in one slice; a named target port may differ from slice to slice. */
function portsIn(slice: EndpointSlice, servicePort: ServicePort): readonly number[] {
  return (slice.ports ?? []).flatMap((port) =>
    (port.name ?? "") === (servicePort.name ?? "") &&
      (port.protocol ?? "TCP") === (servicePort.protocol ?? "TCP") &&
      typeof port.port === "number"
      ? [port.port]
      : []
  );
}

interface Found {
  readonly address: IpAddress;
  readonly port: number;
  draining: boolean;
  node: string | undefined;
  elsewhere: boolean;
}

/**
 * The endpoints of a Service's port, sorted by address and port. An endpoint
 * that two slices hold, as they may while the controller moves it, counts once,
 * as draining, or on another node, only if both say so, and with a node only if both name it.
 */
export function endpointsOf(
  slices: readonly EndpointSlice[],
  servicePort: ServicePort,
  { nodeAddress, isOtherNode }: NodeLookup = NO_NODES,
): EndpointsByFamily {
  const found = new Map<string, Found>();
  for (const slice of slices) {
    const ports = portsIn(slice, servicePort);
    if (ports.length === 0) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const state = endpointState(endpoint);
      const address = parseIp(endpoint.addresses?.[0] ?? "");
      if (state === undefined || address === undefined || address.family !== slice.addressType) continue;
      for (const port of ports) {
        const key = `${address.number} ${address.family} ${port}`;
        const known = found.get(key);
        const { nodeName } = endpoint;
        const node = nodeName ? nodeAddress(nodeName, address.family) : undefined;
        const elsewhere = nodeName ? isOtherNode(nodeName) : false;
        if (known === undefined) {
          found.set(key, { address, port, draining: state === "draining", node, elsewhere });
        } else {
          known.draining &&= state === "draining";
          known.elsewhere &&= elsewhere;
          if (known.node !== node) known.node = undefined;
        }
      }
    }
  }
  const sorted = [...found.values()].sort((a, b) => compareIp(a.address, b.address) || a.port - b.port);
  const ofFamily = (family: IpFamily): Endpoint[] =>
    sorted.filter(({ address }) => address.family === family)
      .map(({ address, port, draining, node, elsewhere }) => ({
        address: formatIp(address),
        port,
        draining,
        ...(node === undefined ? {} : { node }),
        ...(elsewhere && { elsewhere }),
      }));
  return { IPv4: ofFamily("IPv4"), IPv6: ofFamily("IPv6") };
}
