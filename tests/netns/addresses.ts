// SPDX-License-Identifier: Apache-2.0

/** An IPv4 and an IPv6 address of one host. */
export interface DualStack {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** IP family, as the names of the two fields of {@link DualStack}. */
export type Family = keyof DualStack;

/** Both families, for tests that run for each. */
export const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];

/** The client's network: 198.51.100.0/24 of RFC 5737 and 2001:db8:c::/64 of RFC 3849. */
export const CLIENT: DualStack = { ipv4: "198.51.100.2", ipv6: "2001:db8:c::2" };

/** The host's addresses on the client's network. */
export const HOST: DualStack = { ipv4: "198.51.100.1", ipv6: "2001:db8:c::1" };

/** The host's addresses on the pods' side. */
export const POD_GATEWAY: DualStack = { ipv4: "10.244.0.1", ipv6: "fd00:10:244::1" };

/** The pods' networks, which a masquerade rule hides from the outside. */
export const POD_NETWORK: DualStack = { ipv4: "10.244.0.0/24", ipv6: "fd00:10:244::/64" };

/** The Gateway's addresses in the manifests under k8s/samples/bare-host. */
export const GATEWAY: DualStack = { ipv4: "192.0.2.10", ipv6: "2001:db8::10" };

/** The listeners' ports in the same manifests. */
export const LISTENER_PORT = { tcp: 80, udp: 53 } as const;

/** The port on which the backends listen for both protocols. */
export const TARGET_PORT = 9000;

/** Layer-4 protocols, as the names of the fields of {@link LISTENER_PORT}. */
export type L4 = keyof typeof LISTENER_PORT;

/** Both protocols, for tests that run for each. */
export const PROTOCOLS: readonly L4[] = ["tcp", "udp"];

/** Addresses of the backend with that number, from 1, as the bare-host sample's EndpointSlices have them. */
export function backendAddresses(number: number): DualStack {
  return { ipv4: `10.244.0.${10 + number}`, ipv6: `fd00:10:244::${10 + number}` };
}

/** "address:port", the address in brackets when it is IPv6. */
export function joinHostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
