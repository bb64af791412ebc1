// SPDX-License-Identifier: Apache-2.0

// What the install asks of a cluster: nothing that is not listed here.

import { assert, assertEquals } from "@std/assert";
import { only, render, type Rendered } from "./rendered.ts";

const objects = await render("k8s");
const pod = only(objects, "DaemonSet")["spec"].template.spec;
const [controlPlane, loader] = ["controlplane", "loader"].map((name) =>
  pod.containers.find((container: { name: string }) => container.name === name)
);
const mountsOf = (container: Rendered): string[] =>
  container["volumeMounts"].map(({ name }: { name: string }) => name).sort();

Deno.test("the install is these objects and no others", () => {
  assertEquals(
    objects.map(({ kind, metadata: { name, namespace } }) => `${kind} ${namespace ?? ""}/${name}`).sort(),
    [
      "ClusterRole /blixt",
      "ClusterRoleBinding /blixt",
      "CustomResourceDefinition /gatewayclassconfigs.blixt.x-k8s.io",
      "DaemonSet blixt-system/blixt",
      "GatewayClass /blixt",
      "Namespace /blixt-system",
      "Role blixt-system/blixt",
      "RoleBinding blixt-system/blixt",
      "ServiceAccount blixt-system/blixt",
    ],
  );
});

Deno.test("the control plane has no privilege, and a root that nobody can write", () => {
  assertEquals(controlPlane.securityContext, {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
});

Deno.test("the loader has three capabilities and no way to more", () => {
  assertEquals(loader.securityContext, {
    runAsUser: 0,
    runAsGroup: 0,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], add: ["BPF", "NET_ADMIN", "PERFMON"] },
  });
});

Deno.test("both containers run under the runtime's seccomp profile, in the host's network and nothing else of the host's", () => {
  assertEquals(pod.containers.length, 2);
  assertEquals(pod.initContainers, undefined);
  assertEquals(pod.securityContext.seccompProfile, { type: "RuntimeDefault" });
  assertEquals([pod.hostNetwork, pod.hostPID, pod.hostIPC], [true, undefined, undefined]);
  const ofHost = pod.volumes.filter(({ hostPath }: Rendered) => hostPath !== undefined);
  assertEquals(ofHost, [{ name: "bpffs", hostPath: { path: "/sys/fs/bpf", type: "Directory" } }]);
});

Deno.test("only the control plane has a token, only the loader the bpffs", () => {
  assertEquals(pod.automountServiceAccountToken, false);
  assertEquals(only(objects, "ServiceAccount")["automountServiceAccountToken"], false);
  assertEquals(mountsOf(controlPlane), ["socket", "token"]);
  assertEquals(mountsOf(loader), ["bpffs", "socket"]);
});

Deno.test("the loader lets in the control plane's user, through a group that both have", () => {
  const { runAsUser, runAsGroup } = controlPlane.securityContext;
  assert(loader.args.includes(`--allow-uid=${runAsUser}`));
  assert(loader.args.includes(`--socket-group=${runAsGroup}`));
  assertEquals(pod.securityContext.supplementalGroups, [runAsGroup]);
});

Deno.test("the roles name every group, resource and verb; what they let it write is a status or the project's own, and Events", () => {
  const rules = [only(objects, "ClusterRole"), only(objects, "Role")].flatMap(({ rules }) => rules);
  const written = new Set<string>();
  for (const { apiGroups, resources, verbs } of rules) {
    assert(![...apiGroups, ...resources, ...verbs].includes("*"));
    if (verbs.every((verb: string) => ["get", "list", "watch"].includes(verb))) continue;
    for (const resource of resources) if (!resource.endsWith("/status")) written.add(resource);
  }
  assertEquals([...written].sort(), ["events", "leases", "services"]);
});

Deno.test("the overlay unload has the control plane clean up while the loader still runs", async () => {
  const unload = only(await render("k8s/overlays/unload"), "DaemonSet")["spec"].template.spec;
  assertEquals(unload.containers[0].args, [...controlPlane.args, "--unload-on-exit"]);
  assertEquals(unload.containers[1], { ...loader, lifecycle: { preStop: { sleep: { seconds: 10 } } } });
  assert(unload.terminationGracePeriodSeconds > 10);
});

Deno.test("the overlay for kind adds a pool's name, and nothing else", async () => {
  const kind = await render("k8s/overlays/kind");
  const { parametersRef, ...spec } = only(kind, "GatewayClass")["spec"];
  assertEquals(parametersRef, { group: "blixt.x-k8s.io", kind: "GatewayClassConfig", name: "kind" });
  assertEquals(spec, only(objects, "GatewayClass")["spec"]);
  const others = (all: readonly Rendered[]): Rendered[] => all.filter((one) => one.kind !== "GatewayClass");
  assertEquals(others(kind), others(objects));
});
