// SPDX-License-Identifier: Apache-2.0

// Manifests as people have them who come from other controllers: GatewayClasses
// of their own without parameters, objects in versions that came before v1,
// HTTP listeners beside layer 4, Services that leave out what has a default.
// v1alpha2 of the routes is served by the experimental channel alone.

import { assertEquals } from "@std/assert";
import { ApiServer } from "../cluster/api_server.ts";
import { installCrds } from "../cluster/kubectl.ts";
import { copyCrds } from "../cluster/programs.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { eventually, has, type Read, read, RunningControlPlane, whyNot } from "./fixture.ts";

const why = await whyNot();

const CLASS = `apiVersion: gateway.networking.k8s.io/v1beta1
kind: GatewayClass
metadata: { name: their-class, annotations: { their.example/unmanaged: "true" } }
spec: { controllerName: gateway.networking.k8s.io/blixt }
---
apiVersion: blixt.x-k8s.io/v1alpha1
kind: GatewayClassConfig
metadata: { name: default }
spec: { addressPools: [{ cidr: 192.0.2.0/28 }] }
`;

/** A Service as short as it can be, and its endpoint. */
function backend(name: string, port: number, address: string, protocol?: string): string {
  const written = protocol === undefined ? "" : `, protocol: ${protocol}`;
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ name: main, port: ${port}, targetPort: 3000${written} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: main, port: 3000, protocol: ${protocol ?? "TCP"} }]
endpoints: [{ addresses: [${address}] }]
`;
}

/** Two listeners that name their kind, and a route of v1alpha2 for each by its section. */
const TWO_LISTENERS = `---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: Gateway
metadata: { name: two }
spec:
  gatewayClassName: their-class
  listeners:
  - { name: left, protocol: TCP, port: 8088, allowedRoutes: { kinds: [{ kind: TCPRoute }] } }
  - { name: right, protocol: TCP, port: 8089, allowedRoutes: { kinds: [{ kind: TCPRoute }] } }
${
  ["left", "right"].map((side, index) =>
    `---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: { name: ${side} }
spec:
  parentRefs: [{ name: two, sectionName: ${side} }]
  rules: [{ backendRefs: [{ group: "", kind: Service, name: ${side}, port: ${3001 + index} }] }]
${backend(side, 3001 + index, `10.0.0.${index + 1}`)}`
  ).join("")
}`;

/** An HTTP listener that is not ours to serve, and a route that names no section. */
function besideHttp(protocol: "TCP" | "UDP"): string {
  const name = protocol.toLowerCase();
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: mixed-${name} }
spec:
  gatewayClassName: their-class
  listeners:
  - { name: web, protocol: HTTP, port: 80 }
  - { name: ${name}, protocol: ${protocol}, port: 9999 }
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: ${protocol}Route
metadata: { name: mixed-${name} }
spec:
  parentRefs: [{ name: mixed-${name} }]
  rules: [{ backendRefs: [{ name: echo-${name}, port: 9999 }] }]
${backend(`echo-${name}`, 9999, protocol === "TCP" ? "10.0.0.3" : "10.0.0.4", protocol)}`;
}

const WEIGHTS = `---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: Gateway
metadata: { name: canary }
spec: { gatewayClassName: their-class, listeners: [{ name: tcp-31400, protocol: TCP, port: 31400 }] }
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: { name: canary }
spec:
  parentRefs: [{ name: canary, sectionName: tcp-31400, port: 31400 }]
  rules: [{ backendRefs: [{ name: left, port: 3001, weight: 80 }, { name: right, port: 3002, weight: 20 }] }]
`;

/** A rule with a name, which the experimental channel has. */
const ACROSS = `---
apiVersion: v1
kind: Namespace
metadata: { name: apps }
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: { name: across, namespace: apps }
spec:
  parentRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, namespace: default, name: open, sectionName: tcp }]
  rules: [{ name: all, backendRefs: [{ name: left, namespace: default, port: 3001 }] }]
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: from-apps }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: TCPRoute, namespace: apps }]
  to: [{ group: "", kind: Service }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: open }
spec:
  gatewayClassName: their-class
  listeners: [{ name: tcp, protocol: TCP, port: 5432, allowedRoutes: { namespaces: { from: All } } }]
`;

/** The route's only parent has both conditions True, about the route as it is. */
const isServed = ({ metadata, status }: Read): boolean =>
  status?.parents?.length === 1 &&
  ["Accepted", "ResolvedRefs"].every((type) =>
    has(status.parents[0].conditions, type, "True", metadata.generation)
  );

/** "port: weight*address:port" of every service, by the Gateway's listener. */
function served(plane: RunningControlPlane): Record<string, string> {
  return Object.fromEntries(plane.dataplane.desired.services.map(({ listener, groups }) => [
    listener.replace("Gateway default/", "").replace(", listener ", "/"),
    groups.map(({ weight, endpoints }) =>
      `${weight}*${endpoints.map(({ address, port }) => `${address}:${port}`).join("+")}`
    ).join(","),
  ]));
}

Deno.test({
  name: "manifests for other controllers get their statuses and endpoints",
  ignore: why !== undefined,
  async fn(): Promise<void> {
    await using server = await ApiServer.start({ crds: false });
    const crds = await Deno.makeTempDir({ prefix: "blixt-crds-" });
    try {
      await copyCrds("experimental", crds);
      await Deno.copyFile(`${paths.repository}/k8s/base/gatewayclassconfig_crd.yaml`, `${crds}/config.yaml`);
      await installCrds(server.kubeconfig, crds);
    } finally {
      await Deno.remove(crds, { recursive: true });
    }
    await using plane = new RunningControlPlane(server.kubeconfig);
    const manifests = [CLASS, TWO_LISTENERS, besideHttp("TCP"), besideHttp("UDP"), WEIGHTS, ACROSS].join("");
    await server.kubectl(["apply", "--filename=-"], manifests);

    for (
      const name of ["default/left", "default/right", "default/mixed-tcp", "default/canary", "apps/across"]
    ) {
      await eventually(server, "TCPRoute", name, isServed);
    }
    await eventually(server, "UDPRoute", "default/mixed-udp", isServed);
    for (const name of ["two", "mixed-tcp", "mixed-udp", "canary", "open"]) {
      await eventually(
        server,
        "Gateway",
        `default/${name}`,
        ({ metadata, status }) => has(status?.conditions, "Programmed", "True", metadata.generation),
      );
    }
    const { status } = await read(server, "Gateway", "default/mixed-tcp");
    assertEquals(
      status.listeners.map(({ attachedRoutes }: { attachedRoutes: number }) => attachedRoutes),
      [0, 1],
    );
    assertEquals(served(plane), {
      "two/left": "1*10.0.0.1:3000",
      "two/right": "1*10.0.0.2:3000",
      "mixed-tcp/tcp": "1*10.0.0.3:3000",
      "mixed-udp/udp": "1*10.0.0.4:3000",
      "canary/tcp-31400": "80*10.0.0.1:3000,20*10.0.0.2:3000",
      "open/tcp": "1*10.0.0.1:3000",
    });
  },
});
