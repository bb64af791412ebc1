// SPDX-License-Identifier: Apache-2.0

import { inNetns } from "../netns/run_command.ts";
import { apiServerCommand, etcdCommand, type Flags, toArguments } from "./control_plane_commands.ts";
import { freePorts } from "./free_ports.ts";
import { kubeconfigFor } from "./kubeconfig.ts";
import { kubectl } from "./kubectl.ts";
import { createPki, type KeyPair, type Pki } from "./pki.ts";
import { clusterProgram, findEtcd } from "./programs.ts";
import { API_PORT, type ClusterSite, type Construction } from "./site.ts";

const MANAGER = "kube-controller-manager";
const SCHEDULER = "kube-scheduler";
/** Client of the API for every kube-proxy. */
export const PROXY = "kube-proxy";

/** Makes keys for the control plane, its nodes and its administrator. */
export function createClusterPki({ layout, pki }: ClusterSite): Promise<Pki> {
  const nodes = layout.nodes.map(({ name }) => [name, `/O=system:nodes/CN=system:node:${name}`] as const);
  const components = [MANAGER, SCHEDULER, PROXY].map((name) => [name, `/CN=system:${name}`] as const);
  return createPki(pki, {
    addresses: [layout.fabric.ipv4, layout.fabric.ipv6],
    clients: Object.fromEntries([...nodes, ...components]),
  });
}

/** A client's kubeconfig file, for the fabric and the nodes. */
export function kubeconfigOf({ pki }: ClusterSite, client: string): string {
  return `${pki}/${client}.kubeconfig`;
}

/**
 * Starts etcd, kube-apiserver, kube-controller-manager and kube-scheduler in the fabric, and a relay by which
 * the machine reaches the API. Returns once the API is ready.
 */
export async function startControlPlane(construction: Construction): Promise<void> {
  const { site, pki, processes } = construction;
  const { fabric } = site.layout;
  const inFabric = (argv: readonly string[]): string[] => inNetns(fabric.netns, argv);
  const [etcd, peerUrl] = ["http://127.0.0.1:2379", "http://127.0.0.1:2380"];
  await processes.start(
    "etcd",
    inFabric(etcdCommand({ program: await findEtcd() ?? "etcd", data: site.etcd, url: etcd, peerUrl })),
  );
  const [port = 0] = freePorts(1);
  const connect = `EXEC:nsenter --net=/run/netns/${fabric.netns} socat - TCP\\:127.0.0.1\\:${API_PORT}`;
  await processes.start("relay", ["socat", `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, connect]);
  await writeKubeconfigs(construction, port);
  const others = {
    "advertise-address": fabric.ipv4,
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    "kubelet-preferred-address-types": "InternalIP",
    "allow-privileged": "true",
  };
  const ready = async (): Promise<boolean> =>
    await kubectl(site.kubeconfig, ["get", "--raw=/readyz"]) === "ok";
  await processes.start(
    "kube-apiserver",
    inFabric(apiServerCommand({ etcd, pki, port: API_PORT, others })),
    ready,
  );
  // Not before the API is ready: without RBAC's first roles the controller manager gives up.
  for (const [name, settings] of [[MANAGER, managerSettings(pki)], [SCHEDULER, {}]] as const) {
    const config = kubeconfigOf(site, name);
    const flags = {
      kubeconfig: config,
      "authentication-kubeconfig": config,
      "authorization-kubeconfig": config,
      "bind-address": "127.0.0.1",
      "leader-elect": "false",
      ...settings,
    };
    await processes.start(name, inFabric([clusterProgram(name), ...toArguments(flags)]));
  }
}

/** Writes a kubeconfig for everybody; the machine's own programs go through the relay at a port of 127.0.0.1. */
async function writeKubeconfigs({ site, pki }: Construction, relay: number): Promise<void> {
  const url = `https://${site.layout.fabric.ipv4}:${API_PORT}`;
  const write = async (path: string, client: KeyPair, server = url): Promise<void> =>
    await Deno.writeTextFile(path, await kubeconfigFor(server, pki.authority, client));
  await write(site.kubeconfig, pki.admin, `https://127.0.0.1:${relay}`);
  await write(site.clientKubeconfig, pki.admin);
  for (const [name, pair] of pki.clients) await write(kubeconfigOf(site, name), pair);
}

function managerSettings({ authority, serviceAccounts }: Pki): Flags {
  return {
    "service-account-private-key-file": serviceAccounts.key,
    "root-ca-file": authority.certificate,
    "cluster-signing-cert-file": authority.certificate,
    "cluster-signing-key-file": authority.key,
    "use-service-account-credentials": "true",
  };
}
