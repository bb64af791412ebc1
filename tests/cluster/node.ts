// SPDX-License-Identifier: Apache-2.0

import { run, runOrThrow, taskPath } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { processTree } from "../netns/processes.ts";
import { inNetns } from "../netns/run_command.ts";
import { kubeconfigOf, PROXY } from "./control_plane.ts";
import { toArguments } from "./control_plane_commands.ts";
import { imageArchives } from "./images.ts";
import type { ClusterNode } from "./layout.ts";
import { cniConfig, containerdConfig, kubeletConfig, kubeProxyConfig } from "./node_files.ts";
import { cniPlugins } from "./node_programs.ts";
import { clusterProgram } from "./programs.ts";
import type { Construction, Readiness } from "./site.ts";

/** The argument vector that runs a command in all namespaces of a node, whose first process is known. */
export function inNode(pid: number, argv: readonly string[]): string[] {
  const namespaces = { mount: "mnt", uts: "uts", ipc: "ipc", net: "net", pid: "pid_for_children" };
  const entries = Object.entries(namespaces);
  return ["nsenter", ...entries.map(([name, file]) => `--${name}=/proc/${pid}/ns/${file}`), "--", ...argv];
}

/** True once a process has put the first process of a node into namespaces of its own. */
function hasPause(pid: number): Promise<boolean> {
  return Promise.resolve(processTree(pid).some(({ name }) => name === "pause"));
}

/** Starts a node: its namespaces, containerd with all images, kubelet and kube-proxy. */
export async function startNode(construction: Construction, node: ClusterNode): Promise<void> {
  const { site, pki, options, processes } = construction;
  const folder = `${site.folder}/${node.name}`;
  const file = async (name: string, content: string): Promise<string> => {
    await Deno.writeTextFile(`${folder}/${name}`, content);
    return `${folder}/${name}`;
  };
  const [data, cni] = [`${folder}/containerd`, `${folder}/cni`];
  for (const directory of [data, cni]) await Deno.mkdir(directory, { recursive: true });
  await file("cni/10-blixt.conflist", cniConfig(node));

  const namespaces = "unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc".split(" ");
  const first = inNetns(node.netns, [...namespaces, clusterProgram("pause")]);
  const pid = await processes.start(node.name, first, hasPause);
  const within = (argv: readonly string[]): string[] => inNode(pid, argv);
  await runOrThrow(within([import.meta.dirname + "/node_mounts.sh", folder, node.netns]));
  await runOrThrow(within(["hostname", node.name]));

  const path = `PATH=${paths.clusterBin}:${taskPath()}`;
  const start = (name: string, argv: readonly string[], ready?: Readiness): Promise<number> =>
    processes.start(`${node.name}-${name}`, within(["env", path, ...argv]), ready);
  const config = containerdConfig({ data, cni, plugins: cniPlugins, runc: clusterProgram("runc") });
  const ctr = (...args: string[]): string[] => within(["env", path, "ctr", ...args]);
  await start(
    "containerd",
    ["containerd", "--config", await file("containerd.toml", config)],
    async () => (await run(ctr("version"))).code === 0,
  );
  const flags = {
    config: await file("kubelet.yaml", kubeletConfig(node, pki.authority.certificate)),
    kubeconfig: kubeconfigOf(site, node.name),
    "hostname-override": node.name,
    "node-ip": `${node.ipv4},${node.ipv6}`,
  };
  await start("kubelet", ["kubelet", ...toArguments(flags)]);
  if (options.proxy !== "none") {
    const config = kubeProxyConfig(node, options.proxy, kubeconfigOf(site, PROXY));
    await start("kube-proxy", ["kube-proxy", "--config", await file("kube-proxy.yaml", config)]);
  }
  for (const archive of await imageArchives()) {
    await runOrThrow(ctr("--namespace", "k8s.io", "images", "import", archive));
  }
}
