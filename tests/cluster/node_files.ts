// SPDX-License-Identifier: Apache-2.0

import { stringify } from "yaml";
import { FAMILIES } from "../netns/addresses.ts";
import type { ProxyMode } from "./cluster_options.ts";
import { type ClusterNode, POD_NETWORKS } from "./layout.ts";

/** Image that holds a pod's namespaces. */
export const PAUSE_IMAGE = "blixt.test/pause:1";

/** Where containerd listens in a node. */
export const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";

/** Configuration of containerd 1.6. */
export function containerdConfig(
  { data, plugins, runc, cni }: { data: string; plugins: string; runc: string; cni: string },
): string {
  const text = JSON.stringify;
  return `version = 2
root = ${text(data)}
state = "/run/containerd"
[grpc]
  address = ${text(CONTAINERD_SOCKET)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(PAUSE_IMAGE)}
  # A node is no machine of its own, and may not raise what the machine has set.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(plugins)}
    conf_dir = ${text(cni)}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = ${text(runc)}
`;
}

/** CNI configuration: pods on a bridge, addresses from the node's own pod network, no masquerading. */
export function cniConfig({ podNetwork }: ClusterNode): string {
  const ipam = {
    type: "host-local",
    ranges: FAMILIES.map((family) => [{ subnet: podNetwork[family] }]),
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
  };
  const bridge = { type: "bridge", bridge: "cni0", isGateway: true, hairpinMode: true, ipMasq: false, ipam };
  const portmap = { type: "portmap", capabilities: { portMappings: true } };
  return JSON.stringify({ cniVersion: "0.4.0", name: "blixt", plugins: [bridge, portmap] });
}

/** Configuration of a kubelet. */
export function kubeletConfig(node: ClusterNode, authority: string): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: authority },
    },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${node.netns}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    // The disk and the memory are shared with everything else on the machine, whose shortage is not the node's.
    evictionHard: {
      "memory.available": "0%",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.available": "0%",
    },
    imageGCHighThresholdPercent: 100,
    localStorageCapacityIsolation: false,
    // Quicker than the defaults, so that tests see a node come and go within seconds.
    nodeStatusUpdateFrequency: "4s",
    syncFrequency: "10s",
  });
}

/** Configuration of a kube-proxy. It leaves the machine's limits of connection tracking alone. */
export function kubeProxyConfig(
  node: ClusterNode,
  mode: Exclude<ProxyMode, "none">,
  kubeconfig: string,
): string {
  return stringify({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode,
    clientConnection: { kubeconfig },
    clusterCIDR: FAMILIES.map((family) => POD_NETWORKS[family]).join(","),
    hostnameOverride: node.name,
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    metricsBindAddress: "127.0.0.1:10249",
    healthzBindAddress: "127.0.0.1:10256",
  });
}
