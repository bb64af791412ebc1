// SPDX-License-Identifier: Apache-2.0

/**
 * The conformance features that Blixt claims, by the names of
 * sigs.k8s.io/gateway-api/pkg/features, in the order that
 * GatewayClassStatus.supportedFeatures asks for.
 */
export const SUPPORTED_FEATURES: readonly string[] = [
  "Gateway",
  "GatewayAddressEmpty",
  "GatewayInfrastructure",
  "GatewayPort8080",
  "GatewayStaticAddresses",
  "ListenerSet",
  "ReferenceGrant",
  "TCPRoute",
  "UDPRoute",
];
