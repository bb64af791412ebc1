// SPDX-License-Identifier: Apache-2.0

// Statuses on a real API server: objects are applied with kubectl and read
// back, while watches are cut and the API server goes away and comes back.

import { assert, assertEquals } from "@std/assert";
import { ApiServer } from "../cluster/api_server.ts";
import { eventually, has, read, RunningControlPlane, whyNot } from "./fixture.ts";
import { gateway, GATEWAY_CLASS } from "./objects.ts";
import { TcpProxy } from "./tcp_proxy.ts";

const OBJECTS = `${GATEWAY_CLASS}${gateway("web", "192.0.2.1")}---
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: default }
spec: { ports: [{ port: 9000 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-1, namespace: default, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
ports: [{ name: "", port: 7000 }]
endpoints: [{ addresses: [10.0.0.1], conditions: { ready: true } }]
---
${route("echo")}`;

function route(name: string, port = 9000): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs: [{ name: web }]
  rules: [{ backendRefs: [{ name: echo, port: ${port} }] }]
`;
}

const why = await whyNot();
if (why !== undefined) console.warn(`tests/apiserver skipped: ${why}`);

const OURS = "gateway.networking.k8s.io/blixt";
const apply = (server: ApiServer, text: string): Promise<string> =>
  server.kubectl(["apply", "--filename=-"], text);
const patchRoute = (server: ApiServer, patch: unknown, ...more: string[]): Promise<string> =>
  server.kubectl([
    "patch",
    "tcproutes.gateway.networking.k8s.io",
    "echo",
    "--type=merge",
    `--patch=${JSON.stringify(patch)}`,
    ...more,
  ]);

/** The port of a route's only backend in the recorded dataplane. */
const endpointsOf = (plane: RunningControlPlane): string[] =>
  plane.dataplane.desired.services.flatMap(({ groups }) =>
    groups.flatMap(({ endpoints }) => endpoints.map(({ address, port }) => `${address}:${port}`))
  );

Deno.test({
  name: "the control plane writes statuses to a real API server",
  ignore: why !== undefined,
  async fn(t): Promise<void> {
    // A step begins where the one before ended, so none makes sense after a failure.
    const step = async (name: string, body: () => Promise<void>): Promise<void> => {
      if (!await t.step(name, body)) throw new Error(`The step "${name}" failed`);
    };
    await using server = await ApiServer.start();
    const { port } = new URL(server.url);
    await using proxy = new TcpProxy({ hostname: "127.0.0.1", port: Number(port) });
    const kubeconfig = await Deno.makeTempFile({ suffix: ".kubeconfig" });
    const text = await Deno.readTextFile(server.kubeconfig);
    await Deno.writeTextFile(kubeconfig, text.replace(`127.0.0.1:${port}`, `127.0.0.1:${proxy.port}`));
    await using plane = new RunningControlPlane(kubeconfig);

    await step(
      "of a GatewayClass, a Gateway and a route, all with the generation they are about",
      async () => {
        await apply(server, OBJECTS);
        await eventually(
          server,
          "GatewayClass",
          "blixt",
          ({ status, metadata }) => has(status?.conditions, "Accepted", "True", metadata.generation),
        );
        const gateway = await eventually(
          server,
          "Gateway",
          "default/web",
          ({ status, metadata }) =>
            has(status?.conditions, "Programmed", "True", metadata.generation) &&
            status.listeners[0].attachedRoutes === 1,
        );
        assertEquals(gateway.status.addresses, [{ type: "IPAddress", value: "192.0.2.1" }]);
        assert(
          has(gateway.status.listeners[0].conditions, "Programmed", "True", gateway.metadata.generation),
        );
        await eventually(
          server,
          "TCPRoute",
          "default/echo",
          ({ status, metadata }) =>
            has(status?.parents[0]?.conditions, "Accepted", "True", metadata.generation) &&
            has(status?.parents[0]?.conditions, "ResolvedRefs", "True", metadata.generation),
        );
        assertEquals(endpointsOf(plane), ["10.0.0.1:7000"]);
      },
    );

    await step("and then writes nothing more", async () => {
      const before = await Promise.all([
        read(server, "Gateway", "default/web"),
        read(server, "TCPRoute", "default/echo"),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const after = await Promise.all([
        read(server, "Gateway", "default/web"),
        read(server, "TCPRoute", "default/echo"),
      ]);
      assertEquals(
        after.map(({ metadata }) => metadata.resourceVersion),
        before.map(({ metadata }) => metadata.resourceVersion),
      );
    });

    await step("leaving entries and conditions of others as they are", async () => {
      const condition = {
        type: "Accepted",
        status: "True",
        reason: "Accepted",
        message: "",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      };
      const foreign = {
        controllerName: "example.com/other",
        parentRef: { name: "other" },
        conditions: [condition],
      };
      const { status } = await read(server, "TCPRoute", "default/echo");
      await patchRoute(server, { status: { parents: [foreign, ...status.parents] } }, "--subresource=status");
      await patchRoute(server, { spec: { rules: [{ backendRefs: [{ name: "missing", port: 1 }] }] } });
      const changed = await eventually(
        server,
        "TCPRoute",
        "default/echo",
        ({ status, metadata }) =>
          has(status?.parents[1]?.conditions, "ResolvedRefs", "False", metadata.generation),
      );
      assertEquals(changed.status.parents.length, 2);
      assertEquals(changed.status.parents[0].conditions, [condition]);
      const accepted = (parents: { conditions: { type: string }[] }[]): unknown =>
        parents.at(-1)?.conditions.find(({ type }) => type === "Accepted");
      assertEquals(
        { ...accepted(changed.status.parents) as object, observedGeneration: 1 },
        accepted(status.parents),
        "a condition whose status is as before keeps its lastTransitionTime",
      );
      await apply(server, route("echo"));
    });

    await step("after every connection was cut", async () => {
      const accepted = proxy.accepted;
      proxy.cut();
      await apply(server, route("second"));
      await eventually(
        server,
        "TCPRoute",
        "default/second",
        ({ status, metadata }) =>
          has(status?.parents[0]?.conditions, "Accepted", "True", metadata.generation),
      );
      await eventually(
        server,
        "Gateway",
        "default/web",
        ({ status }) => status.listeners[0].attachedRoutes === 2,
      );
      assert(proxy.accepted > accepted, "over new connections");
    });

    await step(
      "after connections were refused for a while, in which objects changed and went",
      async () => {
        proxy.refuse(true);
        await server.kubectl(["delete", "tcproutes.gateway.networking.k8s.io", "second"]);
        await apply(server, route("third"));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        assertEquals(endpointsOf(plane), ["10.0.0.1:7000"], "nothing is torn down for lack of news");
        proxy.refuse(false);
        await eventually(
          server,
          "TCPRoute",
          "default/third",
          ({ status, metadata }) =>
            has(status?.parents[0]?.conditions, "Accepted", "True", metadata.generation),
        );
        assertEquals(plane.store.get("TCPRoute", "default/second"), undefined);
      },
    );

    await step("after the API server was away and is back", async () => {
      const sets = plane.dataplane.sets;
      await server.suspend();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assertEquals(plane.dataplane.sets, sets, "the dataplane keeps its last state");
      await server.resume();
      await apply(server, route("fourth"));
      await eventually(
        server,
        "TCPRoute",
        "default/fourth",
        ({ status, metadata }) =>
          has(status?.parents[0]?.conditions, "Accepted", "True", metadata.generation),
      );
    });

    await step("taking its entry from a route that leaves the Gateway", async () => {
      await patchRoute(server, { spec: { parentRefs: [{ name: "elsewhere" }] } });
      await eventually(
        server,
        "TCPRoute",
        "default/echo",
        ({ status }) =>
          status.parents.every(({ controllerName }: { controllerName: string }) => controllerName !== OURS),
      );
      const { status } = await read(server, "TCPRoute", "default/echo");
      assertEquals(status.parents.length, 1, "the other controller's entry stays");
    });

    await Deno.remove(kubeconfig);
  },
});
