// SPDX-License-Identifier: Apache-2.0

// Manifests that the tests here have in common.

/** Blixt's GatewayClass, without parameters. */
export const GATEWAY_CLASS = `---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: blixt }
spec: { controllerName: gateway.networking.k8s.io/blixt }
`;

/** The namespace of Blixt's Leases. */
export const SYSTEM_NAMESPACE = `---
apiVersion: v1
kind: Namespace
metadata: { name: blixt-system }
`;

/** Gateway default/NAME of that class, with these static addresses and one listener, for TCP at port 80. */
export function gateway(name: string, ...addresses: readonly string[]): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default }
spec:
  gatewayClassName: blixt
  addresses: [${addresses.map((value) => `{ value: ${value} }`).join(", ")}]
  listeners: [{ name: tcp, port: 80, protocol: TCP }]
`;
}
