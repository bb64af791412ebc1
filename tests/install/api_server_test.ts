// SPDX-License-Identifier: Apache-2.0

// The install on a real API server: everything is accepted, the schema of
// GatewayClassConfig holds, and the rights are exactly those that a control
// plane with the service account's own token needs.

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { parse, stringify } from "yaml";
import { parseCommandLine } from "../../controlplane/cli.ts";
import { blixtObject } from "../../controlplane/dataplane/blixt_object.ts";
import { FakeLoader } from "../../controlplane/loader/fake.ts";
import { type Message, Output } from "../../controlplane/output.ts";
import { start } from "../../controlplane/start.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { eventually, has } from "../apiserver/fixture.ts";
import { ApiServer } from "../cluster/api_server.ts";
import { only, render } from "./rendered.ts";

const ACCOUNT = "system:serviceaccount:blixt-system:blixt";
const install = (server: ApiServer): Promise<string> =>
  server.kubectl(["apply", "--kustomize", `${paths.repository}/k8s`]);

async function isAdmittedAndChangesNothingTheSecondTime(server: ApiServer): Promise<void> {
  await install(server);
  await server.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]);
  const again = (await install(server)).trim().split("\n");
  assertEquals(again.filter((line) => !line.endsWith(" unchanged")), []);
}

/** No controller is here to make the pod; admission is asked as that would. */
async function podIsAdmittedForWhatTheLoaderNeeds(server: ApiServer): Promise<void> {
  const { metadata, spec } = only(await render("k8s"), "DaemonSet")["spec"].template;
  const create = (namespace: string): Promise<string> =>
    server.kubectl(
      ["create", "--dry-run=server", "--filename=-"],
      stringify({ apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "blixt", namespace }, spec }),
    );
  await create("blixt-system");
  await server.kubectl(["create", "namespace", "strict"]);
  await server.kubectl(["create", "serviceaccount", "blixt", "--namespace=strict"]);
  await server.kubectl(["label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted"]);
  const { message } = await assertRejects(() => create("strict"), Error);
  const reasons = message.slice(message.indexOf('"restricted:latest": ')).replaceAll(/\(.*?\)+/g, "").split(
    ", ",
  );
  assertEquals(reasons.length, 7, message);
  for (
    const need of [
      "hostNetwork=true",
      // Every port of a pod in the host's network is one of the host's.
      `container "controlplane" uses hostPort 9442`,
      `uses probe or lifecycle host "127.0.0.1"`,
      `container "loader" must not include "BPF", "NET_ADMIN", "PERFMON"`,
      `volume "bpffs" uses restricted volume type "hostPath"`,
      `container "loader" must set securityContext.runAsNonRoot=true`,
      `container "loader" must not set runAsUser=0`,
    ]
  ) assertStringIncludes(message, need);
}

const configOf = (spec: unknown): string =>
  stringify({
    apiVersion: "blixt.x-k8s.io/v1alpha1",
    kind: "GatewayClassConfig",
    metadata: { name: "test" },
    spec,
  });

async function configsOfEveryFormAreAccepted(server: ApiServer): Promise<void> {
  for (
    const spec of [
      {},
      { addressPools: [] },
      { addressPools: [{ cidr: "192.0.2.0/27" }, { cidr: "2001:db8::/120" }, { cidr: "192.0.2.1/32" }] },
      {
        addressPools: [{ start: "192.0.2.4", end: "192.0.2.9" }, {
          start: "2001:db8::1",
          end: "2001:db8::f",
        }],
      },
      { staticAddresses: [{ cidr: "198.51.100.0/24" }] },
      { remoteBackends: "Direct" },
      { remoteBackends: "SNAT" },
    ]
  ) await server.kubectl(["apply", "--filename=-"], configOf(spec));
  const pools = `${paths.repository}/k8s/overlays/kind/pool.yaml`;
  await server.kubectl(["apply", "--filename", pools]);
  assertStringIncludes(await server.kubectl(["get", "gatewayclassconfig", "kind"]), "172.18.255.200");
}

async function uselessConfigsAreRefused(server: ApiServer): Promise<void> {
  const cases: [unknown, string][] = [
    [undefined, "spec: Required value"],
    [{ addressPools: [{}] }, "spec.addressPools[0]: Invalid value"],
    [
      { addressPools: [{ cidr: "192.0.2.0/27", end: "192.0.2.3" }] },
      "must have either cidr, or start and end",
    ],
    [{ addressPools: [{ start: "192.0.2.0" }] }, "must have either cidr, or start and end"],
    [{ addressPools: [{ cidr: "192.0.2.0" }] }, "spec.addressPools[0].cidr"],
    [{ addressPools: [{ cidr: "192.0.2.1/27" }] }, "must have no bits set beyond its prefix"],
    [{ staticAddresses: [{ cidr: "300.0.0.0/8" }] }, "spec.staticAddresses[0].cidr"],
    [{ addressPools: [{ start: "192.0.2.0", end: "2001:db8::1" }] }, "must be of one family"],
    [{ addressPools: [{ start: "localhost", end: "192.0.2.1" }] }, "must be an IP address"],
    [{ remoteBackends: "snat" }, 'spec.remoteBackends: Unsupported value: "snat"'],
    [{ addressPool: [] }, `unknown field "spec.addressPool"`],
  ];
  for (const [spec, reason] of cases) {
    await assertRejects(() => server.kubectl(["apply", "--filename=-"], configOf(spec)), Error, reason);
  }
}

/** What the account may do, as "group/resource: verbs", what every authenticated user may left out. */
async function rightsIn(server: ApiServer, namespace: string): Promise<string[]> {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectRulesReview",
    spec: { namespace },
  };
  const args = ["create", `--as=${ACCOUNT}`, "--validate=false", "--output=json", "--filename=-"];
  const { status } = JSON.parse(await server.kubectl(args, stringify(review)));
  const rules: { verbs: string[]; apiGroups: string[]; resources: string[]; resourceNames?: string[] }[] =
    status.resourceRules;
  const verbsOf = new Map<string, string[]>();
  for (const { verbs, apiGroups, resources, resourceNames = [] } of rules) {
    for (const thing of apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`))) {
      const right = [thing, ...resourceNames].join(" ");
      verbsOf.set(right, [...verbsOf.get(right) ?? [], ...verbs]);
    }
  }
  return [...verbsOf].filter(([thing]) => !/^(authentication|authorization).k8s.io\//.test(thing))
    .map(([thing, verbs]) => `${thing}: ${verbs.sort().join(" ")}`).sort();
}

const EVERYWHERE = [
  "/events: create patch",
  "/namespaces: list watch",
  "/nodes: list watch",
  "/services/status: patch",
  "/services: create delete list patch watch",
  "apiextensions.k8s.io/customresourcedefinitions gatewayclasses.gateway.networking.k8s.io: get",
  "blixt.x-k8s.io/gatewayclassconfigs: list watch",
  "discovery.k8s.io/endpointslices: list watch",
  "gateway.networking.k8s.io/gatewayclasses/status: patch",
  "gateway.networking.k8s.io/gatewayclasses: list watch",
  "gateway.networking.k8s.io/gateways/status: patch",
  "gateway.networking.k8s.io/gateways: list watch",
  "gateway.networking.k8s.io/listenersets/status: patch",
  "gateway.networking.k8s.io/listenersets: list watch",
  "gateway.networking.k8s.io/referencegrants: list watch",
  "gateway.networking.k8s.io/tcproutes/status: patch",
  "gateway.networking.k8s.io/tcproutes: list watch",
  "gateway.networking.k8s.io/udproutes/status: patch",
  "gateway.networking.k8s.io/udproutes: list watch",
];

async function accountHasTheseRightsAndNoOthers(server: ApiServer): Promise<void> {
  assertEquals(await rightsIn(server, "default"), EVERYWHERE);
  const leases = "coordination.k8s.io/leases: create get list patch watch";
  assertEquals(await rightsIn(server, "blixt-system"), [...EVERYWHERE, leases].sort());
}

const OBJECTS = `
apiVersion: v1
kind: Node
metadata: { name: n1 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: default }
spec:
  gatewayClassName: blixt
  addresses: [{ value: 192.0.2.1 }]
  listeners:
  - { name: tcp, port: 80, protocol: TCP }
  - { name: udp, port: 80, protocol: UDP }
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: echo, namespace: default }
spec:
  parentRefs: [{ name: web }]
  rules: [{ backendRefs: [{ name: echo, port: 9000 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: echo, namespace: default }
spec:
  parentRefs: [{ name: web }]
  rules: [{ backendRefs: [{ name: echo, port: 9000 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: more, namespace: default }
spec:
  parentRef: { name: web }
  listeners: [{ name: udp, port: 81, protocol: UDP }]
---
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: default }
spec:
  ports:
  - { name: tcp, port: 9000 }
  - { name: udp, port: 9000, protocol: UDP }
`;

/** A kubeconfig like the administrator's, but with a token of the service account. */
async function accountKubeconfig(server: ApiServer, folder: string): Promise<string> {
  const token = await server.kubectl(["create", "token", "blixt", "--namespace=blixt-system"]);
  const file = parse(await Deno.readTextFile(server.kubeconfig));
  const path = `${folder}/account.kubeconfig`;
  const users = [{ ...file.users[0], user: { token: token.trim() } }];
  await Deno.writeTextFile(path, stringify({ ...file, users }));
  return path;
}

async function controlPlaneWorksWithThatAccount(server: ApiServer): Promise<void> {
  await server.kubectl(["apply", "--filename=-"], OBJECTS);
  const folder = await Deno.makeTempDir({ prefix: "bx-install-" });
  const loader = new FakeLoader({ socket: `${folder}/loader.sock` });
  await loader.start();
  await Deno.writeFile(`${folder}/object`, blixtObject());
  const config = parseCommandLine([
    `--kubeconfig=${await accountKubeconfig(server, folder)}`,
    "--node=n1",
    `--loader=unix:${folder}/loader.sock`,
    `--object=${folder}/object`,
    "--json",
  ]);
  if (config === "help") throw new Error("unreachable: no help was asked for");
  const messages: Message[] = [];
  const hear = (line: string): void => void messages.push(JSON.parse(line));
  const output = new Output({ json: true, colour: false, stdout: hear, stderr: hear });
  const stop = new AbortController();
  const running = start(config, output, stop.signal);
  try {
    for (const [kind, key] of [["TCPRoute", "default/echo"], ["UDPRoute", "default/echo"]] as const) {
      await eventually(
        server,
        kind,
        key,
        ({ status, metadata }) =>
          has(status?.parents?.[0]?.conditions, "ResolvedRefs", "True", metadata.generation),
      );
    }
    for (const [kind, key] of [["GatewayClass", "blixt"], ["Gateway", "default/web"]] as const) {
      await eventually(
        server,
        kind,
        key,
        ({ status, metadata }) => has(status?.conditions, "Accepted", "True", metadata.generation),
      );
    }
    // The Gateway allows no ListenerSets, which is written there all the same.
    await eventually(
      server,
      "ListenerSet",
      "default/more",
      ({ status, metadata }) => has(status?.conditions, "Accepted", "False", metadata.generation),
    );
    assertEquals(messages.filter(({ type }) => type === "error"), []);
  } finally {
    stop.abort(new Error("The test is over"));
    await running;
    loader.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the install on a real API server", async (t) => {
  await using server = await ApiServer.start();
  // Everything else goes on from there.
  const begun = await t.step(
    "is accepted, and changes nothing the second time",
    () => isAdmittedAndChangesNothingTheSecondTime(server),
  );
  if (!begun) return;
  await t.step(
    "has a pod that is admitted there, and elsewhere is not for what the loader needs alone",
    () => podIsAdmittedForWhatTheLoaderNeeds(server),
  );
  await t.step(
    "takes GatewayClassConfigs with address ranges of every form",
    () => configsOfEveryFormAreAccepted(server),
  );
  await t.step(
    "refuses GatewayClassConfigs that the control plane could not use, and says why",
    () => uselessConfigsAreRefused(server),
  );
  await t.step(
    "gives its account these rights and no others",
    () => accountHasTheseRightsAndNoOthers(server),
  );
  await t.step(
    "gives its account enough: the control plane leads and writes every status",
    () => controlPlaneWorksWithThatAccount(server),
  );
  await t.step("goes as one", async () => {
    await server.kubectl(["delete", "--wait=false", "--kustomize", `${paths.repository}/k8s`]);
    await assertRejects(() => server.kubectl(["get", "gatewayclass", "blixt"]), Error, "not found");
  });
});
