// SPDX-License-Identifier: Apache-2.0

import { findProgram, runOrThrow } from "../../controlplane/tasks/command.ts";
import { updatePackageLists } from "../../controlplane/tasks/debian_packages.ts";
import { paths } from "../../controlplane/tasks/paths.ts";

/** Programs that are commands of k8s.io/kubernetes, at the version that build/kube/go.mod pins. */
export type KubernetesProgram = "kube-apiserver" | "kubectl";

const goEnvironment = { CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false", GOTOOLCHAIN: "local" };
const moduleFolder = (name: string): string => `${paths.repository}/tests/cluster/build/${name}`;

/** Where a program for the test cluster lies once it is built. */
export function clusterProgram(name: string): string {
  return `${paths.clusterBin}/${name}`;
}

/** The etcd to run: the machine's own, or the one that was unpacked into the cache. */
export async function findEtcd(): Promise<string | undefined> {
  return await findProgram("etcd", paths.clusterBin) ?? await findProgram("etcd");
}

/**
 * Unpacks Debian's etcd into the cache. Installing the package would also
 * start it as a service of the machine. Throws where there is no apt-get.
 */
export async function fetchEtcd(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "blixt-etcd-" });
  try {
    await runOrThrow(["apt-get", "download", "etcd-server"], { cwd: folder }).catch(async () => {
      await updatePackageLists();
      await runOrThrow(["apt-get", "download", "etcd-server"], { cwd: folder });
    });
    const [{ name: archive } = { name: "" }] = await Array.fromAsync(Deno.readDir(folder));
    await runOrThrow(["dpkg-deb", "-x", archive, "."], { cwd: folder });
    await Deno.mkdir(paths.clusterBin, { recursive: true });
    await Deno.copyFile(`${folder}/usr/bin/etcd`, clusterProgram("etcd"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Builds a Kubernetes program from Go modules, which takes minutes the first
 * time. Its version is linked in, as kubectl and client libraries compare it.
 */
export async function buildKubernetes(program: KubernetesProgram): Promise<void> {
  const cwd = moduleFolder("kube");
  const list = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes"];
  const version = (await runOrThrow(list, { cwd, env: goEnvironment })).trim();
  const [major, minor] = version.slice(1).split(".");
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  const packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
  const assignments = packages.flatMap((name) =>
    Object.entries(values).map(([variable, value]) => `-X ${name}.${variable}=${value}`)
  );
  const partial = `${clusterProgram(program)}.partial`;
  await Deno.mkdir(paths.clusterBin, { recursive: true });
  await runOrThrow(
    [
      ..."go build -mod=readonly -trimpath -ldflags".split(" "),
      ["-s -w", ...assignments].join(" "),
      "-o",
      partial,
      `k8s.io/kubernetes/cmd/${program}`,
    ],
    { cwd, env: goEnvironment, log: `${paths.logs}/build-${program}.log` },
  );
  await Deno.rename(partial, clusterProgram(program));
}

/** Copies the standard channel's CustomResourceDefinitions out of the Gateway API's Go module. */
export async function fetchCrds(): Promise<void> {
  const cwd = moduleFolder("gateway-api");
  const options = { cwd, env: goEnvironment };
  await runOrThrow(["go", "mod", "download", "sigs.k8s.io/gateway-api"], options);
  const list = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api"];
  const source = `${(await runOrThrow(list, options)).trim()}/config/crd/standard`;
  await Deno.mkdir(paths.crds, { recursive: true });
  for await (const { name } of Deno.readDir(source)) {
    if (name.startsWith("gateway.networking.k8s.io_")) {
      await Deno.writeTextFile(`${paths.crds}/${name}`, await Deno.readTextFile(`${source}/${name}`));
    }
  }
}
