// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Kind } from "../../api/snapshot.ts";
import { formatPath } from "./problem.ts";
import type { Path } from "./schema.ts";
import { readKind, SCHEMAS } from "./schemas.ts";

/** What is wrong with an object of that kind and spec. */
function errorsOf(kind: Kind, rest: Record<string, unknown>): string[] {
  const errors: string[] = [];
  const add = (path: Path, reason: string): void => void errors.push(`${formatPath(path)}: ${reason}`);
  SCHEMAS[kind].parse({ apiVersion: "v1", kind, metadata: { name: "a" }, ...rest }, [], {
    error: add,
    notice: add,
  });
  return errors;
}

const listener = (rest: object = {}): object => ({ name: "tcp", port: 80, protocol: "TCP", ...rest });
const gateway = (...listeners: object[]): string[] =>
  errorsOf("Gateway", { spec: { gatewayClassName: "blixt", listeners } });
const route = (spec: object): string[] =>
  errorsOf("TCPRoute", { spec: { rules: [{ backendRefs: [{ name: "a", port: 1 }] }], ...spec } });

Deno.test("the schema of Gateway lets TCP and UDP share a port, and no two listeners otherwise", () => {
  assertEquals(gateway(listener(), listener({ name: "udp", protocol: "UDP" })), []);
  assertEquals(gateway(listener(), listener({ name: "other" })), [
    "spec.listeners[1].port: 80 with TCP is used by listener 0 too; one of them must go",
  ]);
  assertEquals(gateway(listener(), listener({ port: 81 })), [
    'spec.listeners[1].name: is "tcp" like listener 0; names must differ',
  ]);
});

Deno.test("the schema of Gateway refuses tls and hostname on a layer-4 listener, and takes them elsewhere", () => {
  assertEquals(gateway(listener({ tls: {}, hostname: "a.example" })), [
    "spec.listeners[0].tls: must not be set for protocol TCP",
    "spec.listeners[0].hostname: must not be set for protocol TCP",
  ]);
  assertEquals(gateway(listener({ protocol: "TLS", tls: {}, hostname: "a.example" })), []);
});

Deno.test("the schema of Gateway wants at least one listener and at most 64", () => {
  assertEquals(gateway(), ["spec.listeners: is empty, must have at least 1"]);
  const many = Array.from({ length: 65 }, (_, index) => listener({ name: `l${index}`, port: index + 1 }));
  assertEquals(gateway(...many), ["spec.listeners: has 65 listeners, at most 64 are allowed"]);
});

Deno.test("the schema of Gateway wants a selector where namespaces are selected", () => {
  assertEquals(gateway(listener({ allowedRoutes: { namespaces: { from: "Selector" } } })), [
    "spec.listeners[0].allowedRoutes.namespaces.selector: is missing, must be set when from is Selector",
  ]);
  assertEquals(gateway(listener({ allowedRoutes: { namespaces: { from: "Some" } } })), [
    'spec.listeners[0].allowedRoutes.namespaces.from: is "Some", must be All, Selector or Same; did you mean "Same"?',
  ]);
});

Deno.test("the schema of a route tells parentRefs to one Gateway apart by section and port", () => {
  assertEquals(route({ parentRefs: [{ name: "web", sectionName: "a" }, { name: "web", port: 80 }] }), []);
  assertEquals(route({ parentRefs: [{ name: "web" }, { name: "web", kind: "Gateway" }] }), [
    "spec.parentRefs[1]: names the same parent as parentRefs[0]; give each its own sectionName or port",
  ]);
});

Deno.test("the schema of a route bounds backendRefs and weights", () => {
  const backends = (...backendRefs: object[]): string[] => route({ rules: [{ backendRefs }] });
  assertEquals(backends(), ["spec.rules[0].backendRefs: is empty, must have at least 1"]);
  assertEquals(backends({ name: "a", port: 1, weight: 0 }, { name: "b", port: 1, weight: 1_000_000 }), []);
  assertEquals(backends({ name: "a", port: 1, weight: 1_000_001 }), [
    "spec.rules[0].backendRefs[0].weight: is 1000001, must be 0 to 1000000",
  ]);
  assertEquals(route({ rules: [] }), ["spec.rules: is empty, exactly 1 is allowed"]);
});

Deno.test("the schema of Service takes named and numeric target ports, and wants distinct ports with names", () => {
  const ports = (...all: object[]): string[] => errorsOf("Service", { spec: { ports: all } });
  assertEquals(ports({ port: 80, targetPort: "http" }), []);
  assertEquals(ports({ port: 80, targetPort: 0 }), ["spec.ports[0].targetPort: is 0, must be 1 to 65535"]);
  assertEquals(ports({ name: "a", port: 80 }, { name: "b", port: 80, protocol: "UDP" }), []);
  assertEquals(ports({ name: "a", port: 80 }, { port: 80 }), [
    "spec.ports[1].name: is missing, must be set when a Service has more than one port",
    "spec.ports[1].port: 80/TCP is used by ports[0] too",
  ]);
});

Deno.test("the schema of EndpointSlice wants an address type and addresses", () => {
  assertEquals(
    errorsOf("EndpointSlice", { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }] }),
    [],
  );
  assertEquals(errorsOf("EndpointSlice", { addressType: "ipv4", endpoints: [{ addresses: [] }] }), [
    'addressType: is "ipv4", must be IPv4, IPv6 or FQDN; did you mean "IPv4"?',
    "endpoints[0].addresses: is empty, must have at least 1",
  ]);
});

Deno.test("the schema of GatewayClass wants a domain-prefixed controller name", () => {
  assertEquals(errorsOf("GatewayClass", { spec: { controllerName: "blixt" } }), [
    'spec.controllerName: is "blixt", must be a domain and a path such as gateway.networking.k8s.io/blixt',
  ]);
});

Deno.test("the schema of ReferenceGrant wants both sides whole", () => {
  assertEquals(errorsOf("ReferenceGrant", { spec: { from: [{ group: "", kind: "Service" }], to: [] } }), [
    "spec.from[0].namespace: is missing",
    "spec.to: is empty, must have at least 1",
  ]);
});

Deno.test("the schema of GatewayClassConfig takes a CIDR or both ends of a range", () => {
  const pool = (range: object): string[] =>
    errorsOf("GatewayClassConfig", { spec: { addressPools: [range] } });
  assertEquals(pool({ cidr: "192.0.2.0/24" }), []);
  assertEquals(pool({ start: "192.0.2.1", end: "192.0.2.9" }), []);
  assertEquals(pool({}), ["spec.addressPools[0]: is empty, must have cidr, or start and end"]);
  assertEquals(pool({ start: "192.0.2.1" }), [
    "spec.addressPools[0].end: is missing, must be set with start",
  ]);
  assertEquals(pool({ cidr: "192.0.2.0/24", end: "192.0.2.9" }), [
    "spec.addressPools[0]: has cidr together with start or end; keep one of the two ways",
  ]);
});

Deno.test("the schema of GatewayClassConfig takes remoteBackends Direct and SNAT", () => {
  const errors = (remoteBackends: unknown): string[] =>
    errorsOf("GatewayClassConfig", { spec: { remoteBackends } });
  assertEquals(["Direct", "SNAT"].flatMap(errors), []);
  assertEquals(errors("snat"), [
    'spec.remoteBackends: is "snat", must be Direct or SNAT; did you mean "SNAT"?',
  ]);
  assertEquals(errors(1), ["spec.remoteBackends: is 1, must be a string"]);
});

Deno.test("every schema leaves metadata as kubectl prints it alone", () => {
  const metadata = {
    name: "a",
    labels: { a: "b" },
    uid: "u",
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: "2026-01-31T12:00:00Z",
    managedFields: [{}],
    ownerReferences: [],
  };
  assertEquals(errorsOf("Namespace", { metadata }), []);
});

Deno.test("readKind() knows the versions of each kind, and no kind of another group", () => {
  assertEquals(readKind("gateway.networking.k8s.io/v1", "Gateway"), "Gateway");
  assertEquals(readKind("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"), "ReferenceGrant");
  assertEquals(readKind("gateway.networking.k8s.io/v1alpha2", "UDPRoute"), "UDPRoute");
  assertEquals(readKind("serving.knative.dev/v1", "Service"), undefined);
  assertEquals(readKind("v1", "constructor"), undefined);
});
