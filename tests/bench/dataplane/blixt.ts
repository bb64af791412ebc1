// SPDX-License-Identifier: Apache-2.0

import { Blixt } from "../../netns/blixt.ts";
import type { Contender } from "./contender.ts";
import { PORTS, type Service } from "./service.ts";

/** Milliseconds that ten thousand services may take until they are programmed. */
const PATIENCE = 600_000;

/** The real loader and control plane, as `deno task start` runs them on a folder of manifests. */
export const blixt: Contender = {
  name: "blixt",
  title: "Blixt",
  requirements: [],
  balances: true,
  start: async ({ topology, services, folder, stack }) => {
    await Deno.writeTextFile(`${folder}/services.json`, JSON.stringify(blixtManifests(services)));
    stack.use(await Blixt.start(topology.host, { manifests: folder, patience: PATIENCE }));
  },
};

const NAMESPACE = "bench";
const apiVersion = "gateway.networking.k8s.io/v1";

/** One Gateway for each address, a listener and a route for each service; all routes lead to the same two pods. */
export function blixtManifests(services: readonly Service[]): { kind: string; items: unknown[] } {
  const gateways = [...Map.groupBy(services, ({ address }) => address)].map((
    [address, listeners],
    number,
  ) => ({
    apiVersion,
    kind: "Gateway",
    metadata: { name: `gateway-${number}`, namespace: NAMESPACE },
    spec: {
      gatewayClassName: "blixt",
      addresses: [{ type: "IPAddress", value: address }],
      listeners: listeners.map(({ protocol, port }) => ({
        name: `${protocol}-${port}`,
        protocol: protocol.toUpperCase(),
        port,
      })),
    },
    services: listeners,
  }));
  const routes = gateways.flatMap(({ metadata, services }) =>
    services.map(({ protocol, port, targetPort }) => ({
      apiVersion,
      kind: protocol === "tcp" ? "TCPRoute" : "UDPRoute",
      metadata: { name: `${metadata.name}-${protocol}-${port}`, namespace: NAMESPACE },
      spec: {
        parentRefs: [{ name: metadata.name, sectionName: `${protocol}-${port}` }],
        rules: [{ backendRefs: [{ name: "pods", port: targetPort }] }],
      },
    }))
  );
  return {
    kind: "List",
    items: [
      {
        apiVersion,
        kind: "GatewayClass",
        metadata: { name: "blixt" },
        spec: { controllerName: "gateway.networking.k8s.io/blixt" },
      },
      ...gateways.map(({ services: _, ...gateway }) => gateway),
      ...routes,
      ...pods(services[0]!.targets),
    ],
  };
}

function pods(targets: readonly string[]): unknown[] {
  const ports = [
    { name: "tcp", protocol: "TCP", port: PORTS.request },
    { name: "udp", protocol: "UDP", port: PORTS.request },
    { name: "iperf", protocol: "TCP", port: PORTS.iperf },
  ];
  return [
    { apiVersion: "v1", kind: "Service", metadata: { name: "pods", namespace: NAMESPACE }, spec: { ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "pods-ipv4",
        namespace: NAMESPACE,
        labels: { "kubernetes.io/service-name": "pods" },
      },
      addressType: "IPv4",
      ports,
      endpoints: targets.map((target) => ({ addresses: [target] })),
    },
  ];
}
