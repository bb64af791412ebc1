// SPDX-License-Identifier: Apache-2.0

// How many writes a crowd of routes costs on a real API server.

import { assert, assertEquals } from "@std/assert";
import { ApiClient } from "../../controlplane/source/apiserver/api_client.ts";
import { jsonLines } from "../../controlplane/source/apiserver/json_lines.ts";
import { loadApiServer } from "../../controlplane/source/apiserver/kube_config.ts";
import { ApiServer } from "../cluster/api_server.ts";
import { eventually, RunningControlPlane, whyNot } from "./fixture.ts";
import { gateway, GATEWAY_CLASS } from "./objects.ts";

const ROUTES = 1_000;
const MOST_GATEWAY_WRITES = 200;
const GROUP = "/apis/gateway.networking.k8s.io/v1";

const route = (name: string): unknown => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "TCPRoute",
  metadata: { name, namespace: "default" },
  spec: { parentRefs: [{ name: "web" }], rules: [{ backendRefs: [{ name: "echo", port: 9000 }] }] },
});

const why = await whyNot();

Deno.test({
  name:
    `the control plane settles ${ROUTES} routes on one Gateway with fewer than ${MOST_GATEWAY_WRITES} Gateway writes`,
  ignore: why !== undefined,
  async fn(): Promise<void> {
    await using server = await ApiServer.start();
    const client = new ApiClient(loadApiServer({ kubeconfig: server.kubeconfig }));
    const stop = new AbortController();
    let writes = 0;
    try {
      await server.kubectl(["apply", "--filename=-"], GATEWAY_CLASS + gateway("web", "192.0.2.1"));
      await using _plane = new RunningControlPlane(server.kubeconfig);
      const { status } = await eventually(
        server,
        "Gateway",
        "default/web",
        ({ status }) => status?.addresses?.length === 1,
      );
      assertEquals(status.listeners[0].attachedRoutes, 0);

      const watched = Promise.withResolvers<void>();
      const watching = (async (): Promise<void> => {
        const { body } = await client.send(
          { path: `${GROUP}/gateways`, query: { watch: "true" } },
          stop.signal,
        );
        for await (const { type } of jsonLines<{ type: string }>(body!, stop.signal)) {
          if (type === "MODIFIED") writes++;
          watched.resolve();
        }
      })().catch(() => {});
      await watched.promise;
      const queue = Array.from({ length: ROUTES }, (_, index) => `route-${index}`);
      await Promise.all(Array.from({ length: 10 }, async () => {
        for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
          await client.json(
            { method: "POST", path: `${GROUP}/namespaces/default/tcproutes`, body: route(name) },
            stop.signal,
          );
        }
      }));
      const begun = performance.now();
      await eventually(
        server,
        "Gateway",
        "default/web",
        ({ status }) => status.listeners[0].attachedRoutes === ROUTES,
      );
      await allAccepted(client, stop.signal);
      console.log(
        `settled ${Math.round(performance.now() - begun)} ms after the last route, ${writes} Gateway writes`,
      );
      stop.abort();
      await watching;
      assert(writes < MOST_GATEWAY_WRITES, `${writes} writes of the Gateway`);
    } finally {
      stop.abort();
      client.close();
    }
  },
});

/** Waits, at most 30 seconds, until every route has an entry of ours. */
async function allAccepted(client: ApiClient, signal: AbortSignal): Promise<void> {
  interface Routes {
    readonly items: readonly { readonly status?: { readonly parents?: readonly unknown[] } }[];
  }
  let left = ROUTES;
  for (const end = performance.now() + 30_000; left > 0 && performance.now() < end;) {
    const { items } = await client.json<Routes>({ path: `${GROUP}/tcproutes` }, signal);
    left = items.filter(({ status }) => status?.parents?.length !== 1).length;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assertEquals(left, 0, "routes without a status");
}
