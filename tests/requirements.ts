// SPDX-License-Identifier: Apache-2.0

import { findProgram } from "../controlplane/tasks/command.ts";
import { paths } from "../controlplane/tasks/paths.ts";
import type { Requirement } from "../controlplane/tasks/requirement.ts";
import { demoRequirements, programs } from "../controlplane/tasks/requirements.ts";
import {
  buildKubernetes,
  fetchCrds,
  fetchEtcd,
  findEtcd,
  type KubernetesProgram,
} from "./cluster/programs.ts";
import { nodePrograms } from "./cluster/node_programs.ts";
import { muslTarget } from "./images/musl_target.ts";

const go: Requirement = {
  missing: async () => await findProgram("go") === undefined ? "Go 1.26 or newer" : undefined,
  remedy: () => "the instructions at https://go.dev/doc/install",
};

const etcd: Requirement = {
  missing: async () => await findEtcd() === undefined ? "etcd" : undefined,
  install: fetchEtcd,
  remedy: () => "apt-get install etcd-server",
};

function kubernetes(program: KubernetesProgram): Requirement {
  return {
    missing: async () => await findProgram(program, paths.clusterBin) === undefined ? program : undefined,
    install: () => buildKubernetes(program),
    remedy: () => "deno task setup test",
  };
}

const crds: Requirement = {
  missing: async () => {
    const names = await Array.fromAsync(Deno.readDir(paths.crds)).catch(() => []);
    return names.length === 0 ? "the Gateway API's CRDs" : undefined;
  },
  install: fetchCrds,
  remedy: () => "deno task setup test",
};

/** What the API server of the tests takes. */
export const apiServerRequirements: readonly Requirement[] = [
  go,
  programs([{ program: "openssl", package: "openssl" }]),
  etcd,
  kubernetes("kube-apiserver"),
  kubernetes("kubectl"),
  crds,
];

/** What `deno task cluster` takes. */
export const clusterRequirements: readonly Requirement[] = [
  ...apiServerRequirements,
  programs([
    { program: "cc", package: "gcc" },
    { program: "conntrack", package: "conntrack" },
    { program: "ip", package: "iproute2" },
    { program: "iptables", package: "iptables" },
    { program: "nft", package: "nftables" },
    { program: "nsenter", package: "util-linux" },
    { program: "socat", package: "socat" },
    { program: "sysctl", package: "procps" },
  ]),
  ...nodePrograms,
  ...(["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"] as const).map(kubernetes),
];

/** What `deno task test` takes. */
export const testRequirements: readonly Requirement[] = [
  ...demoRequirements,
  programs([
    { program: "bpftool", package: "bpftool" },
    { program: "dig", package: "bind9-dnsutils" },
    { program: "dnsmasq", package: "dnsmasq-base" },
    { program: "iperf3", package: "iperf3" },
  ]),
  ...clusterRequirements,
  muslTarget,
];
