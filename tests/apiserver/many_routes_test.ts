// SPDX-License-Identifier: Apache-2.0

// What a crowd of routes costs on a real API server: how soon after the last
// one everything is written, how many writes of the Gateway that takes, and
// that nothing more is written then.

import { assert, assertEquals } from "@std/assert";
import { ApiClient } from "../../controlplane/source/apiserver/api_client.ts";
import { loadApiServer } from "../../controlplane/source/apiserver/kube_config.ts";
import { Reflector } from "../../controlplane/source/apiserver/reflector.ts";
import { Trouble } from "../../controlplane/source/apiserver/trouble.ts";
import { ApiServer } from "../cluster/api_server.ts";
import { eventually, RunningControlPlane, until, whyNot } from "./fixture.ts";
import { gateway, GATEWAY_CLASS } from "./objects.ts";

const ROUTES = 1_000;
const MOST_GATEWAY_WRITES = 200;
/** Milliseconds from the last route on. */
const SOON = 1_000;
const GROUP = "/apis/gateway.networking.k8s.io/v1";

const route = (name: string): unknown => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "TCPRoute",
  metadata: { name, namespace: "default" },
  spec: { parentRefs: [{ name: "web" }], rules: [{ backendRefs: [{ name: "echo", port: 9000 }] }] },
});

/** The part of Gateways and routes that is looked at. */
interface Watched {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly listeners?: readonly { readonly attachedRoutes: number }[];
    readonly parents?: readonly unknown[];
  };
}

/** Gives every new version of a kind's objects to the callback until the signal; resolves once they were listed. */
async function watch(
  client: ApiClient,
  kind: "Gateway" | "TCPRoute",
  signal: AbortSignal,
  take: (object: Watched) => void,
): Promise<void> {
  const listed = Promise.withResolvers<void>();
  const reflector = new Reflector({
    kind,
    client,
    store: {
      replace: () => listed.resolve(),
      set: (_kind, object) => take(object as Watched),
      delete: () => {},
      markSynced: () => {},
    },
    trouble: new Trouble((text) => console.warn(text)),
  });
  reflector.run(signal).catch(listed.reject);
  await listed.promise;
}

/** Makes all routes, ten at a time. */
async function makeRoutes(client: ApiClient, signal: AbortSignal): Promise<void> {
  const queue = Array.from({ length: ROUTES }, (_, index) => `route-${index}`);
  await Promise.all(Array.from({ length: 10 }, async () => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const path = `${GROUP}/namespaces/default/tcproutes`;
      await client.json({ method: "POST", path, body: route(name) }, signal);
    }
  }));
}

/** The limit on a machine that has nothing else to do; where others take the processors it is longer. */
function limit(): number {
  return SOON * Math.max(1, (Deno.loadavg()[0] ?? 0) / navigator.hardwareConcurrency);
}

const why = await whyNot();

Deno.test({
  name: `${ROUTES} routes on one Gateway are settled within a second of the last one, with fewer than ` +
    `${MOST_GATEWAY_WRITES} Gateway writes, and then nothing is written`,
  ignore: why !== undefined,
  async fn(): Promise<void> {
    await using server = await ApiServer.start();
    const client = new ApiClient(loadApiServer({ kubeconfig: server.kubeconfig }));
    const stop = new AbortController();
    try {
      await server.kubectl(["apply", "--filename=-"], GATEWAY_CLASS + gateway("web", "192.0.2.1"));
      await using plane = new RunningControlPlane(server.kubeconfig);
      await eventually(
        server,
        "Gateway",
        "default/web",
        ({ status }) => status?.listeners?.[0]?.attachedRoutes === 0,
      );

      let gatewayWrites = 0;
      let counted = 0;
      const accepted = new Set<string>();
      let last = performance.now();
      await watch(client, "Gateway", stop.signal, ({ status }) => {
        gatewayWrites++;
        counted = status?.listeners?.[0]?.attachedRoutes ?? 0;
        last = performance.now();
      });
      await watch(client, "TCPRoute", stop.signal, ({ metadata, status }) => {
        if (status?.parents?.length !== 1 || accepted.has(metadata.name)) return;
        accepted.add(metadata.name);
        last = performance.now();
      });
      const begun = performance.now();
      await makeRoutes(client, stop.signal);
      const made = performance.now();
      await until(() => counted === ROUTES && accepted.size === ROUTES, "all routes are settled", 30_000);
      const settled = Math.round(last - made);
      console.log(
        `${ROUTES} routes in ${Math.round(made - begun)} ms, settled ${settled} ms after the last one with ` +
          `${gatewayWrites} Gateway writes, ${plane.writes} writes in all`,
      );
      assert(settled < limit(), `settled after ${settled} ms`);
      assert(gatewayWrites < MOST_GATEWAY_WRITES, `${gatewayWrites} writes of the Gateway`);

      // What is told in Events may take longer than the statuses.
      let writes = -1;
      for (const end = performance.now() + 30_000; writes !== plane.writes && performance.now() < end;) {
        writes = plane.writes;
        await new Promise((resolve) => setTimeout(resolve, 2_000));
      }
      assertEquals(plane.writes, writes, "writes while nothing changes");
      assertEquals([counted, accepted.size], [ROUTES, ROUTES]);
    } finally {
      stop.abort();
      client.close();
    }
  },
});
