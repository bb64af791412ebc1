// SPDX-License-Identifier: Apache-2.0

// Blixt is there before the Gateway API's CRDs: each kind is taken up when it
// comes, forgotten when it goes, and the version of the bundle is told as it is.

import { assertEquals } from "@std/assert";
import { ApiServer } from "../cluster/api_server.ts";
import { copyCrds } from "../cluster/programs.ts";
import { eventually, has, type Read, RunningControlPlane, until, whyNot } from "./fixture.ts";
import { gateway, GATEWAY_CLASS } from "./objects.ts";

const why = await whyNot();

const BUNDLE_VERSION = "gateway.networking.k8s.io/bundle-version";

const ROUTES = ["TCPRoute", "UDPRoute"].map((kind) =>
  `---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: web, namespace: default }
spec: { parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: echo, port: 9000 }] }] }
`
);

/** Applies the CRDs of these kinds, by their plural names, and waits until they are served. */
async function install(server: ApiServer, folder: string, ...plurals: readonly string[]): Promise<void> {
  const names = plurals.map((plural) => `gateway.networking.k8s.io_${plural}.yaml`);
  await server.kubectl(["apply", "--server-side", ...names.map((name) => `--filename=${folder}/${name}`)]);
  await server.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]);
}

/** How often it was said that the API server lacks a kind. */
function lacks(plane: RunningControlPlane, kind: string): number {
  return plane.messages.filter((message) =>
    message.type === "error" && message.text.includes(`does not have ${kind};`)
  ).length;
}

/** Whether the condition SupportedVersion has that status and speaks of that version. */
const supports = (status: string, version: string) => ({ status: { conditions = [] } = {} }: Read): boolean =>
  conditions.some((one: { type: string; status: string; message: string }) =>
    one.type === "SupportedVersion" && one.status === status && one.message.includes(version)
  );

Deno.test({
  name: "CRDs that come, change and go under a running control plane are followed",
  ignore: why !== undefined,
  async fn(): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "blixt-crds-" });
    try {
      await copyCrds("standard", folder);
      await using server = await ApiServer.start({ crds: false });
      await using plane = new RunningControlPlane(server.kubeconfig);
      await plane.ready;
      assertEquals(lacks(plane, "GatewayClass"), 1);

      await install(server, folder, "gatewayclasses", "gateways", "tcproutes");
      await server.kubectl(
        ["apply", "--filename=-"],
        GATEWAY_CLASS + gateway("web", "192.0.2.1") + ROUTES[0],
      );
      await eventually(
        server,
        "TCPRoute",
        "default/web",
        ({ metadata, status }) =>
          has(status?.parents?.[0].conditions, "Accepted", "True", metadata.generation),
      );
      const { items } = JSON.parse(await server.kubectl(["get", "crd", "--output=json"]));
      const version: string = items[0].metadata.annotations[BUNDLE_VERSION];
      await eventually(server, "GatewayClass", "blixt", supports("True", version));

      // Another bundle changes the schema as well, which ends the watches of its kinds.
      const patch = {
        metadata: { annotations: { [BUNDLE_VERSION]: "v9.9.9" } },
        spec: { names: { shortNames: ["gc", "later"] } },
      };
      const crd = "gatewayclasses.gateway.networking.k8s.io";
      await server.kubectl(["patch", "crd", crd, "--type=merge", `--patch=${JSON.stringify(patch)}`]);
      await eventually(server, "GatewayClass", "blixt", supports("False", "v9.9.9"));

      await install(server, folder, "udproutes");
      await server.kubectl(["apply", "--filename=-"], ROUTES[1]);
      await eventually(server, "UDPRoute", "default/web", ({ status }) => status?.parents?.length === 1);

      await server.kubectl(["delete", "crd", "tcproutes.gateway.networking.k8s.io"]);
      await eventually(
        server,
        "Gateway",
        "default/web",
        ({ status }) => status?.listeners?.[0].attachedRoutes === 0,
      );
      await until(
        () => lacks(plane, "TCPRoute") === 2,
        "the lack is told",
        20_000,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
