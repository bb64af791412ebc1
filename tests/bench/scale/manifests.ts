// SPDX-License-Identifier: Apache-2.0

// One file of YAML documents with many services, as whoever generates manifests writes it.

import { writeYaml } from "../../../controlplane/yaml_values.ts";

/** Listeners of a Gateway: it may have 64. */
const LISTENERS = 50;

const NAMESPACE = "scale";
const apiVersion = "gateway.networking.k8s.io/v1";

/** Name of the service with that number, of its Service, TCPRoute, EndpointSlice and listener. */
function nameOf(index: number): string {
  return `s${String(index).padStart(5, "0")}`;
}

/** A Gateway for every 50 services; for each a listener, a TCPRoute, a Service and an EndpointSlice of two endpoints. */
export function scaleManifests(count: number): string {
  const objects: unknown[] = [{
    apiVersion,
    kind: "GatewayClass",
    metadata: { name: "blixt" },
    spec: { controllerName: "gateway.networking.k8s.io/blixt" },
  }];
  for (let first = 0; first < count; first += LISTENERS) {
    objects.push(gateway(first, Math.min(LISTENERS, count - first)));
  }
  for (let index = 0; index < count; index++) objects.push(...serviceOf(index));
  return objects.map((object) => writeYaml(object)).join("---\n");
}

function gateway(first: number, listeners: number): unknown {
  const number = first / LISTENERS;
  return {
    apiVersion,
    kind: "Gateway",
    metadata: { name: `g${number}`, namespace: NAMESPACE },
    spec: {
      gatewayClassName: "blixt",
      addresses: [{ type: "IPAddress", value: `198.18.${number >> 8}.${number & 255}` }],
      listeners: Array.from({ length: listeners }, (_, i) => ({
        name: nameOf(first + i),
        protocol: "TCP",
        port: 10_000 + i,
      })),
    },
  };
}

function serviceOf(index: number): unknown[] {
  const name = nameOf(index);
  const metadata = { name, namespace: NAMESPACE };
  const ports = [{ name: "tcp", protocol: "TCP", port: 80 }];
  return [
    {
      apiVersion,
      kind: "TCPRoute",
      metadata,
      spec: {
        parentRefs: [{ name: `g${Math.floor(index / LISTENERS)}`, sectionName: name }],
        rules: [{ backendRefs: [{ name, port: 80 }] }],
      },
    },
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "tcp", protocol: "TCP", port: 9_000 }],
      endpoints: [2 * index, 2 * index + 1].map((number) => ({ addresses: [endpointAddress(number)] })),
    },
  ];
}

/** A network of its own, 10.64.0.0/15, holds 131,072 endpoints. */
function endpointAddress(number: number): string {
  return `10.${64 + (number >> 16)}.${number >> 8 & 255}.${number & 255}`;
}

/** The same file with another address for one endpoint of the service in the middle. */
export function withOneEndpointChanged(text: string, count: number, time: number): string {
  const before = endpointAddress(2 * (count >> 1));
  const pattern = new RegExp(`^ +- (?:10\\.66\\.0\\.\\d+|${before.replaceAll(".", "\\.")})$`, "m");
  const changed = text.replace(pattern, (line) => line.replace(/[\d.]+$/, `10.66.0.${1 + time}`));
  if (changed === text) throw new Error(`the manifests have no endpoint ${before}`);
  return changed;
}
