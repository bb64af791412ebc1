// SPDX-License-Identifier: Apache-2.0

/** A port of a load balancer, and what is behind it. */
export interface Service {
  readonly address: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly targets: readonly string[];
  readonly targetPort: number;
}

/** Where the measured programs listen, and clients send to, by what they measure. */
export const PORTS = { request: 9000, iperf: 5201 } as const;

/** The backends: two addresses of one network namespace, so that few processes share the machine's cores. */
export const TARGETS = [{ name: "b1", address: "10.244.0.11" }, {
  name: "b2",
  address: "10.244.0.12",
}] as const;

/** The address at which the measured services are. */
export const MEASURED = "198.18.0.1";

/** The network of all addresses: RFC 2544 sets 198.18.0.0/15 apart for benchmarks. */
export const NETWORK = "198.18.0.0/16";

/** Ports at one address: the most listeners that a Gateway may have are 64. */
export const PORTS_AN_ADDRESS = 50;

/** The fewest services: those that are measured. */
export const FEWEST = 3;

/**
 * That many services, and at least those that are measured. These stand in the middle, so that whoever walks a list
 * walks half of it.
 */
export function makeServices(count: number): Service[] {
  const targets = TARGETS.map(({ address }) => address);
  const measured: Service[] = [
    { address: MEASURED, port: PORTS.request, protocol: "tcp", targets, targetPort: PORTS.request },
    { address: MEASURED, port: PORTS.request, protocol: "udp", targets, targetPort: PORTS.request },
    { address: MEASURED, port: PORTS.iperf, protocol: "tcp", targets, targetPort: PORTS.iperf },
  ];
  const others = Array.from({ length: Math.max(0, count - measured.length) }, (_, index): Service => ({
    address: addressOf(2 + Math.floor(index / PORTS_AN_ADDRESS)),
    port: 10_000 + index % PORTS_AN_ADDRESS,
    protocol: "tcp",
    targets,
    targetPort: PORTS.request,
  }));
  const half = others.length >> 1;
  return [...others.slice(0, half), ...measured, ...others.slice(half)];
}

function addressOf(number: number): string {
  return `198.18.${number >> 8}.${number & 255}`;
}
