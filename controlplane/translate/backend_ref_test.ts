// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { BackendReference, L4Route } from "../api/l4_route.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Backend } from "./backend_ref.ts";
import { resolveBackendRef } from "./backend_ref.ts";
import { Graph } from "./graph.ts";
import { Objects } from "./objects.ts";
import {
  backend,
  endpointSlice,
  referenceGrant,
  service,
  snapshotOf,
  tcpRoute,
  udpRoute,
} from "./testing.ts";

function resolve(
  ref: BackendReference,
  objects: readonly KubernetesObject[],
  route: L4Route = tcpRoute("apps/echo"),
): Backend {
  const source = new Objects(new Graph());
  source.update(snapshotOf(...objects));
  return resolveBackendRef(route, ref, route.kind === "UDPRoute" ? "UDP" : "TCP", source);
}

const ECHO = backend("apps/echo", "10.0.0.1");
const FAR = backend("far/echo", "10.0.0.2");

Deno.test("resolveBackendRef() answers name, weight and endpoints", () => {
  assertEquals(resolve({ name: "echo", port: 80, weight: 7 }, ECHO), {
    name: "Service apps/echo:80",
    weight: 7,
    endpoints: { IPv4: [{ address: "10.0.0.1", port: 8080, draining: false }], IPv6: [] },
    affinitySeconds: 0,
  });
});

Deno.test("resolveBackendRef() takes 1 for a weight not given, and 0 for 0", () => {
  assertEquals(resolve({ name: "echo", port: 80 }, ECHO).weight, 1);
  assertEquals(resolve({ name: "echo", port: 80, weight: 0 }, ECHO).weight, 0);
});

Deno.test("resolveBackendRef() keeps the weight of a reference that does not resolve", () => {
  const { weight, endpoints } = resolve({ name: "gone", port: 80, weight: 4 }, ECHO);
  assertEquals({ weight, endpoints }, { weight: 4, endpoints: { IPv4: [], IPv6: [] } });
});

const PROBLEMS: readonly [string, BackendReference, readonly KubernetesObject[], string, string][] = [
  [
    "a Service that does not exist",
    { name: "gone", port: 80 },
    ECHO,
    "BackendNotFound",
    "Service apps/gone does not exist",
  ],
  [
    "a port that the Service does not have",
    { name: "echo", port: 81 },
    ECHO,
    "BackendNotFound",
    "no port 81",
  ],
  ["no port", { name: "echo" }, ECHO, "BackendNotFound", "has no port; name one"],
  [
    "another kind",
    { kind: "Deployment", group: "apps", name: "echo", port: 80 },
    ECHO,
    "InvalidKind",
    "not a Deployment.apps",
  ],
  [
    "another kind of the core group",
    { kind: "Pod", name: "echo", port: 80 },
    ECHO,
    "InvalidKind",
    "not a Pod",
  ],
  [
    "another group",
    { group: "example.com", name: "echo", port: 80 },
    ECHO,
    "InvalidKind",
    "Service.example.com",
  ],
  [
    "an ExternalName Service",
    { name: "out", port: 80 },
    [service("apps/out", { type: "ExternalName" })],
    "InvalidKind",
    "of type ExternalName",
  ],
  [
    "a port of the other protocol",
    { name: "dns", port: 53 },
    [service("apps/dns", { ports: [{ port: 53, protocol: "UDP" }] })],
    "UnsupportedProtocol",
    "Service apps/dns:53 is not a TCP port",
  ],
  [
    "another namespace without grant",
    { name: "echo", namespace: "far", port: 80 },
    FAR,
    "RefNotPermitted",
    "namespace far",
  ],
  [
    "another namespace with a grant elsewhere",
    { name: "echo", namespace: "far", port: 80 },
    [...FAR, referenceGrant("apps/grant", "apps")],
    "RefNotPermitted",
    "No ReferenceGrant in namespace far",
  ],
  [
    "a Service elsewhere of which nothing may be known",
    { name: "gone", namespace: "far", port: 80 },
    [],
    "RefNotPermitted",
    "Service gone",
  ],
  [
    "a granted Service that does not exist",
    { name: "gone", namespace: "far", port: 80 },
    [referenceGrant("far/grant", "apps")],
    "BackendNotFound",
    "Service far/gone",
  ],
];

for (const [what, ref, objects, reason, part] of PROBLEMS) {
  Deno.test(`resolveBackendRef() answers ${reason} for ${what}`, () => {
    const { problem } = resolve(ref, objects);
    assertEquals([problem?.status, problem?.reason], ["False", reason]);
    assertStringIncludes(problem?.message ?? "", part);
  });
}

Deno.test("resolveBackendRef() reaches another namespace with a grant", () => {
  const { problem, endpoints } = resolve(
    { name: "echo", namespace: "far", port: 80 },
    [...FAR, referenceGrant("far/grant", "apps")],
  );
  assertEquals([problem, endpoints.IPv4.length], [undefined, 1]);
});

Deno.test("resolveBackendRef() needs no grant when the reference names the route's own namespace", () => {
  assertEquals(resolve({ name: "echo", namespace: "apps", port: 80 }, ECHO).problem, undefined);
});

Deno.test("resolveBackendRef() asks a grant for the kind of the route", () => {
  const objects = [...FAR, referenceGrant("far/grant", "apps")];
  const { problem } = resolve({ name: "echo", namespace: "far", port: 80 }, objects, udpRoute("apps/echo"));
  assertEquals(problem?.reason, "RefNotPermitted");
});

Deno.test("resolveBackendRef() tells TCP and UDP on one port of a Service apart", () => {
  const ports = [{ name: "dns", port: 53, protocol: "UDP" }, { name: "dns-tcp", port: 53, protocol: "TCP" }];
  const slice = endpointSlice("apps/dns", {
    ports: [{ name: "dns", port: 1053, protocol: "UDP" }, { name: "dns-tcp", port: 2053, protocol: "TCP" }],
  });
  const objects = [service("apps/dns", { ports }), slice];
  const port = (route: L4Route): number | undefined =>
    resolve({ name: "dns", port: 53 }, objects, route).endpoints.IPv4[0]?.port;
  assertEquals([port(udpRoute("apps/r")), port(tcpRoute("apps/r"))], [1053, 2053]);
});

Deno.test("resolveBackendRef() takes a headless Service like any other", () => {
  const headless = { ...ECHO[0], spec: { ...ECHO[0].spec, clusterIP: "None" } };
  assertEquals(resolve({ name: "echo", port: 80 }, [headless, ECHO[1]]).endpoints.IPv4.length, 1);
});

Deno.test("resolveBackendRef() reads the time of sessionAffinity ClientIP", () => {
  const seconds = (spec: Parameters<typeof service>[1]): number =>
    resolve({ name: "echo", port: 80 }, [service("apps/echo", spec)]).affinitySeconds;
  assertEquals(seconds({}), 0);
  assertEquals(
    seconds({ sessionAffinity: "None", sessionAffinityConfig: { clientIP: { timeoutSeconds: 9 } } }),
    0,
  );
  assertEquals(seconds({ sessionAffinity: "ClientIP" }), 10_800);
  assertEquals(
    seconds({ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 9 } } }),
    9,
  );
});

Deno.test("resolveBackendRef() resolves a Service without endpoints", () => {
  const { problem, endpoints } = resolve({ name: "echo", port: 80 }, [service("apps/echo")]);
  assertEquals([problem, endpoints.IPv4], [undefined, []]);
});
