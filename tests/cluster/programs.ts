// SPDX-License-Identifier: Apache-2.0

import { findProgram, runOrThrow } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { unpackDebian } from "./debian_archive.ts";

/** Programs that are commands of k8s.io/kubernetes, at the version that build/kube/go.mod pins. */
export type KubernetesProgram =
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-proxy"
  | "kube-scheduler"
  | "kubectl"
  | "kubelet";

/** Environment of every Go command: what is built depends on go.mod and go.sum alone. */
export const goEnvironment = { CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false", GOTOOLCHAIN: "local" };
/** Folder of a Go module that pins what the cluster runs. */
export const moduleFolder = (name: string): string => `${paths.repository}/tests/cluster/build/${name}`;

/** Where a program for the test cluster lies once it is built. */
export function clusterProgram(name: string): string {
  return `${paths.clusterBin}/${name}`;
}

/** The etcd to run: the machine's own, or the one that was unpacked into the cache. */
export async function findEtcd(): Promise<string | undefined> {
  return await findProgram("etcd", paths.clusterBin) ?? await findProgram("etcd");
}

/** Brings Debian's etcd into the cache. */
export async function fetchEtcd(): Promise<void> {
  await unpackDebian("etcd-server", ["usr/bin/etcd"], paths.clusterBin);
}

/** How to build a command of a Go module. */
export interface GoBuild {
  /** Folder whose go.mod and go.sum pin what is built. */
  readonly module: string;
  /** Import path, or "." for the module's own. */
  readonly package: string;
  /** Variables to link in, as `import/path.name`. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Builds a Go command into the cache; there under its name only once it is whole. */
export async function buildGo(name: string, build: GoBuild): Promise<void> {
  const assignments = Object.entries(build.variables ?? {}).map(([key, value]) => `-X ${key}=${value}`);
  const partial = `${clusterProgram(name)}.partial`;
  await Deno.mkdir(paths.clusterBin, { recursive: true });
  await runOrThrow(
    [
      ..."go build -mod=readonly -trimpath -ldflags".split(" "),
      ["-s -w", ...assignments].join(" "),
      "-o",
      partial,
      build.package,
    ],
    { cwd: build.module, env: goEnvironment, log: `${paths.logs}/build-${name}.log` },
  );
  await Deno.rename(partial, clusterProgram(name));
}

/**
 * Builds a Kubernetes program from Go modules, which takes minutes the first
 * time. Its version is linked in, as kubectl and client libraries compare it.
 */
export async function buildKubernetes(program: KubernetesProgram): Promise<void> {
  const cwd = moduleFolder("kube");
  const list = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes"];
  const version = (await runOrThrow(list, { cwd, env: goEnvironment })).trim();
  const [major = "", minor = ""] = version.slice(1).split(".");
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  const packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
  const variables = Object.fromEntries(
    packages.flatMap((name) =>
      Object.entries(values).map(([variable, value]) => [`${name}.${variable}`, value])
    ),
  );
  await buildGo(program, { module: cwd, package: `k8s.io/kubernetes/cmd/${program}`, variables });
}

/** Channels in which the Gateway API's CustomResourceDefinitions come. */
export type Channel = "experimental" | "standard";

/** Folder of a channel's CustomResourceDefinitions in the Gateway API's Go module, which is fetched. */
async function findCrds(channel: Channel): Promise<string> {
  const cwd = moduleFolder("gateway-api");
  const options = { cwd, env: goEnvironment };
  await runOrThrow(["go", "mod", "download", "sigs.k8s.io/gateway-api"], options);
  const list = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api"];
  return `${(await runOrThrow(list, options)).trim()}/config/crd/${channel}`;
}

/** Copies a channel's CustomResourceDefinitions of the group gateway.networking.k8s.io into a folder. */
export async function copyCrds(channel: Channel, into: string): Promise<void> {
  const source = await findCrds(channel);
  await Deno.mkdir(into, { recursive: true });
  for await (const { name } of Deno.readDir(source)) {
    if (name.startsWith("gateway.networking.k8s.io_")) {
      await Deno.writeTextFile(`${into}/${name}`, await Deno.readTextFile(`${source}/${name}`));
    }
  }
}

/** Brings the standard channel's CustomResourceDefinitions into the cache. */
export async function fetchCrds(): Promise<void> {
  await copyCrds("standard", paths.crds);
}
