// SPDX-License-Identifier: Apache-2.0

// Addresses from a pool, and the Services that show them, on a real API server.

import { assert, assertEquals } from "@std/assert";
import { equal } from "../../controlplane/equal.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { ApiServer } from "../cluster/api_server.ts";
import { eventually, type Read, read, RunningControlPlane, whyNot } from "./fixture.ts";
import { SYSTEM_NAMESPACE } from "./objects.ts";

const POOL = 32;
const GATEWAYS = 40;

const OBJECTS = `${SYSTEM_NAMESPACE}---
apiVersion: blixt.x-k8s.io/v1alpha1
kind: GatewayClassConfig
metadata: { name: pool }
spec: { addressPools: [{ start: 192.0.2.100, end: 192.0.2.${99 + POOL} }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: blixt }
spec:
  controllerName: gateway.networking.k8s.io/blixt
  parametersRef: { group: blixt.x-k8s.io, kind: GatewayClassConfig, name: pool }
`;

function gateway(name: string, more = ""): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default }
spec:
  gatewayClassName: blixt
  listeners:
  - { name: tcp, port: 80, protocol: TCP }
  - { name: udp, port: 53, protocol: UDP }
${more}`;
}

const names = Array.from({ length: GATEWAYS }, (_, index) => `gw-${String(index).padStart(2, "0")}`);
const why = await whyNot();

interface Listed {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly addresses?: readonly { readonly value: string }[];
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
  };
}

/** What is Blixt's of the Service of Gateway "edited". */
// deno-lint-ignore no-explicit-any -- as kubectl prints it
function essence({ metadata, spec, status }: any): unknown {
  return {
    owner: metadata.ownerReferences?.[0].name,
    annotations: Object.keys(metadata.annotations ?? {}),
    spec: [spec.type, spec.loadBalancerClass, spec.allocateLoadBalancerNodePorts],
    ports: spec.ports.map(({ name }: { name: string }) => name),
    shown: status.loadBalancer?.ingress,
  };
}

const WHOLE = {
  owner: "edited",
  annotations: ["blixt.x-k8s.io/infrastructure"],
  spec: ["LoadBalancer", "gateway.networking.k8s.io/blixt", false],
  ports: ["udp-53", "tcp-80"],
  shown: [{ ip: "198.51.100.7", ipMode: "Proxy" }],
};

/** Each Gateway's address, or why it has none. */
async function addresses(server: ApiServer): Promise<Map<string, string>> {
  const list = JSON.parse(
    await server.kubectl(["get", "gateways.gateway.networking.k8s.io", "--output=json"]),
  ) as { items: readonly Listed[] };
  return new Map(list.items.map(({ metadata, status }) => {
    const programmed = status?.conditions?.find(({ type }) => type === "Programmed");
    const address = status?.addresses?.[0]?.value;
    return [metadata.name, programmed?.status === "True" ? `${address}` : `${programmed?.reason}`];
  }));
}

/** Waits, at most 20 seconds, until that many Gateways are programmed and all others have been refused an address. */
async function settled(server: ApiServer, programmed: number): Promise<Map<string, string>> {
  const end = performance.now() + 60_000;
  for (;;) {
    const now = await addresses(server);
    const waiting = [...now.values()].filter((one) => one === "AddressNotAssigned").length;
    const held = [...now.values()].filter((one) => one.startsWith("192.0.2."));
    if (held.length === programmed && held.length + waiting === now.size) {
      assertEquals(new Set(held).size, held.length, "no address is given twice");
      return now;
    }
    assert(performance.now() < end, `${programmed} programmed Gateways: ${JSON.stringify([...now])}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test({
  name: "addresses of a pool are given once, kept over a restart, shown by Services, and given on",
  ignore: why !== undefined,
  async fn(t): Promise<void> {
    // A step begins where the one before ended, so none makes sense after a failure.
    const step = async (name: string, body: () => Promise<void>): Promise<void> => {
      if (!await t.step(name, body)) throw new Error(`The step "${name}" failed`);
    };
    await using server = await ApiServer.start();
    await server.kubectl(["apply", `--filename=${paths.repository}/k8s/base/gatewayclassconfig_crd.yaml`]);
    await server.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]);
    const apply = (text: string): Promise<string> => server.kubectl(["apply", "--filename=-"], text);
    await apply(OBJECTS);
    await using stack = new AsyncDisposableStack();
    const first = stack.use(new RunningControlPlane(server.kubeconfig, "n1"));
    let held = new Map<string, string>();

    await step(`${GATEWAYS} Gateways share ${POOL} addresses: ${POOL} are programmed`, async () => {
      await apply(names.map((name) => gateway(name)).join(""));
      held = await settled(server, POOL);
    });

    await step("a Service of type LoadBalancer shows each programmed Gateway's address", async () => {
      const [name, address] = [...held].find(([, address]) => address.startsWith("192."))!;
      const service = await eventually(
        server,
        "Service",
        `default/${name}-blixt`,
        ({ status }) => status?.loadBalancer?.ingress?.length === 1,
      );
      assertEquals(service.status.loadBalancer.ingress[0], { ip: address, ipMode: "Proxy" });
      const line = await server.kubectl(["get", "services", `${name}-blixt`, "--no-headers"]);
      assert(line.includes(` ${address} `) && line.includes("53/UDP,80/TCP"), line);
    });

    await step("a control plane that is started anew leaves everything as it is", async () => {
      const before = await read(server, "Gateway", "default/gw-00");
      await first[Symbol.asyncDispose]();
      stack.use(new RunningControlPlane(server.kubeconfig, "n1"));
      await apply(gateway("probe"));
      await eventually(server, "Gateway", "default/probe", ({ status }) => status?.conditions?.length >= 2);
      const now = await settled(server, POOL);
      now.delete("probe");
      assertEquals([...now], [...held]);
      const after = await read(server, "Gateway", "default/gw-00");
      assertEquals(after.metadata.resourceVersion, before.metadata.resourceVersion, "nothing was written");
      await server.kubectl(["delete", "gateways.gateway.networking.k8s.io", "probe"]);
    });

    await step("an address that becomes free goes to the next, and nobody else loses any", async () => {
      const [gone, address] = [...held].find(([, address]) => address.startsWith("192."))!;
      await server.kubectl(["delete", "gateways.gateway.networking.k8s.io", gone]);
      const now = await settled(server, POOL);
      const kept = [...held].filter(([name, address]) => name !== gone && address.startsWith("192."));
      for (const [name, address] of kept) assertEquals(now.get(name), address);
      assert([...now.values()].includes(address), "the one that became free is in use again");
      held = now;
    });

    await step("Services follow labels, annotations and ports of their Gateway, and go with it", async () => {
      const name = [...held].find(([, address]) => address.startsWith("192."))![0];
      const key = `default/${name}-blixt`;
      const labels = (object: unknown): Record<string, string> =>
        (object as { metadata: { labels: Record<string, string> } }).metadata.labels;
      await apply(gateway(name, "  infrastructure: { labels: { team: blue }, annotations: { note: x } }\n"));
      const labelled = await eventually(
        server,
        "Service",
        key,
        (service) => labels(service)["team"] === "blue",
      );
      assertEquals(labels(labelled)["gateway.networking.k8s.io/gateway-name"], name);
      await server.kubectl(["label", "service", `${name}-blixt`, "foreign=stays"]);
      await apply(gateway(name, "  - { name: more, port: 81, protocol: TCP }\n"));
      const changed = await eventually(
        server,
        "Service",
        key,
        (service) => labels(service)["team"] === undefined,
      );
      assertEquals(labels(changed)["foreign"], "stays");
      const ports = async (): Promise<string> =>
        await server.kubectl(["get", "service", `${name}-blixt`, "--output=jsonpath={.spec.ports[*].name}"]);
      assertEquals(await ports(), "udp-53 tcp-80 tcp-81");
      await server.kubectl(["delete", "gateways.gateway.networking.k8s.io", name]);
      const end = performance.now() + 60_000;
      while ((await server.kubectl(["get", "services", "--output=name"])).includes(`/${name}-blixt`)) {
        assert(performance.now() < end, "the Service is still there");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });

    await step("a Service that somebody edits or deletes comes back as it was", async () => {
      await apply(gateway("edited", "  addresses: [{ value: 198.51.100.7 }]\n"));
      const service = ["service", "edited-blixt"];
      const isWhole = (): Promise<Read> =>
        eventually(server, "Service", "default/edited-blixt", (object) => equal(essence(object), WHOLE));
      await isWhole();
      for (
        const patch of [
          { metadata: { ownerReferences: null } },
          { metadata: { annotations: null } },
          { spec: { type: "ClusterIP", loadBalancerClass: null, allocateLoadBalancerNodePorts: null } },
          { spec: { ports: [{ name: "x", port: 9 }] } },
        ]
      ) {
        await server.kubectl(["patch", ...service, "--type=merge", `--patch=${JSON.stringify(patch)}`]);
        await isWhole();
      }
      await server.kubectl(["delete", ...service]);
      await isWhole();
      await server.kubectl(["delete", "gateways.gateway.networking.k8s.io", "edited"]);
    });

    await step("a Service that somebody else has made stays as it is", async () => {
      const spec = { type: "ClusterIP", ports: [{ port: 7 }] };
      const metadata = { name: "mine-blixt", namespace: "default", labels: { by: "hand" } };
      await apply(JSON.stringify({ apiVersion: "v1", kind: "Service", metadata, spec }));
      const before = await read(server, "Service", "default/mine-blixt");
      await apply(gateway("mine"));
      await eventually(server, "Gateway", "default/mine", ({ status }) => status?.conditions?.length >= 2);
      await server.kubectl([
        "wait",
        "--for=jsonpath={.reason}=ServiceNameTaken",
        "--timeout=10s",
        "events",
        "--field-selector=reason=ServiceNameTaken",
      ]);
      const after = await read(server, "Service", "default/mine-blixt");
      assertEquals(after.metadata.resourceVersion, before.metadata.resourceVersion);
    });
  },
});
