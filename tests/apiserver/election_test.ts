// SPDX-License-Identifier: Apache-2.0

// Control planes of several nodes on one real API server: who writes, and who
// announces which address.

import { assert, assertEquals } from "@std/assert";
import { ApiServer } from "../cluster/api_server.ts";
import { eventually, read, RunningControlPlane, until, whyNot } from "./fixture.ts";
import { gateway, GATEWAY_CLASS, SYSTEM_NAMESPACE } from "./objects.ts";
import { TcpProxy } from "./tcp_proxy.ts";

const WEB = gateway("web", ...[17, 18, 19, 20, 21, 22, 23, 24].map((last) => `192.0.2.${last}`));

const why = await whyNot();
const KUBECONFIGS: string[] = [];

/** A kubeconfig that reaches the server through a proxy. */
async function through(proxy: TcpProxy, server: ApiServer): Promise<string> {
  const { port } = new URL(server.url);
  const path = await Deno.makeTempFile({ prefix: "bx-", suffix: ".kubeconfig" });
  KUBECONFIGS.push(path);
  const text = await Deno.readTextFile(server.kubeconfig);
  await Deno.writeTextFile(path, text.replace(`127.0.0.1:${port}`, `127.0.0.1:${proxy.port}`));
  return path;
}

const announcedBy = (plane: RunningControlPlane): readonly string[] => {
  const { announced } = plane.dataplane.desired;
  return Array.isArray(announced) ? announced : [];
};

/** Every address has exactly one of these control planes that announces it. */
function shared(...planes: RunningControlPlane[]): boolean {
  const all = planes.flatMap(announcedBy).toSorted();
  return planes.every(({ dataplane }) => dataplane.desired.announced !== "unchanged") &&
    all.length === 8 && new Set(all).size === 8;
}

Deno.test({
  name: "control planes of several nodes share the work over a real API server",
  ignore: why !== undefined,
  async fn(t): Promise<void> {
    // A step begins where the one before ended, so none makes sense after a failure.
    const step = async (name: string, body: () => Promise<void>): Promise<void> => {
      if (!await t.step(name, body)) throw new Error(`The step "${name}" failed`);
    };
    await using server = await ApiServer.start();
    const { port } = new URL(server.url);
    await using proxyA = new TcpProxy({ hostname: "127.0.0.1", port: Number(port) });
    await using stack = new AsyncDisposableStack();
    await server.kubectl(["apply", "--filename=-"], SYSTEM_NAMESPACE + GATEWAY_CLASS + WEB);
    const a = stack.use(new RunningControlPlane(await through(proxyA, server), "node-a"));
    await until(() => a.leads, "the first control plane leads", 10_000);
    const b = stack.use(new RunningControlPlane(server.kubeconfig, "node-b"));

    await step("exactly one writes, and nothing is written twice", async () => {
      await eventually(server, "Gateway", "default/web", ({ status }) => status?.addresses?.length === 8);
      await until(() => shared(a, b), "each address is announced once", 15_000);
      assert(!b.leads);
      const before = await read(server, "Gateway", "default/web");
      await server.kubectl(["apply", "--filename=-"], WEB);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const after = await read(server, "Gateway", "default/web");
      assertEquals(after.metadata.resourceVersion, before.metadata.resourceVersion);
    });

    await step("both announce a share of the addresses", () => {
      assert(announcedBy(a).length > 0 && announcedBy(b).length > 0, `${announcedBy(a)} | ${announcedBy(b)}`);
      return Promise.resolve();
    });

    await step(
      "a leader that is cut off is replaced within 17 seconds, and its addresses within eight",
      async () => {
        proxyA.refuse(true);
        const moved = await until(() => announcedBy(b).length === 8, "b announces all addresses", 9_000);
        const led = moved + await until(() => b.leads, "b leads", 20_000);
        assert(!a.leads, "never two");
        console.log(`addresses moved after ${moved} ms, the leader after ${led} ms`);
        assert(led < 18_500, `${led} ms`);
        await server.kubectl(["apply", "--filename=-"], gateway("late", "192.0.2.9"));
        await eventually(server, "Gateway", "default/late", ({ status }) => status?.addresses?.length === 1);
        assert(announcedBy(a).length > 0, "who is cut off keeps its last state");
        await server.kubectl(["delete", "gateways.gateway.networking.k8s.io", "late"]);
      },
    );

    await step("who comes back takes its addresses again, and does not lead", async () => {
      proxyA.refuse(false);
      await until(() => shared(a, b), "each address is announced once", 15_000);
      assert(b.leads && !a.leads);
    });

    await step("a leader that stops hands over at once", async () => {
      await b[Symbol.asyncDispose]();
      console.log(`handed over after ${await until(() => a.leads, "a leads", 5_000)} ms`);
      await server.kubectl(["apply", "--filename=-"], gateway("last", "192.0.2.10"));
      await eventually(server, "Gateway", "default/last", ({ status }) => status?.addresses?.length === 1);
    });

    for (const path of KUBECONFIGS) await Deno.remove(path);
  },
});
