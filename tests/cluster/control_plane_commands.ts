// SPDX-License-Identifier: Apache-2.0

import { SERVICE_NETWORKS } from "./layout.ts";
import type { Pki } from "./pki.ts";
import { clusterProgram } from "./programs.ts";

/** Command-line settings of a Kubernetes program, without the dashes. */
export type Flags = Readonly<Record<string, string>>;

/** As Kubernetes' programs take them. */
export function toArguments(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

/** How to run etcd, alone. */
export interface EtcdSite {
  readonly program: string;
  /** Folder of its data. */
  readonly data: string;
  /** Where it serves. */
  readonly url: string;
  /** Where it would talk to others of its kind. */
  readonly peerUrl: string;
}

/** The command that runs etcd. */
export function etcdCommand({ program, data, url, peerUrl }: EtcdSite): string[] {
  return [
    program,
    ...toArguments({
      name: "blixt",
      "data-dir": data,
      "listen-client-urls": url,
      "advertise-client-urls": url,
      "listen-peer-urls": peerUrl,
      "initial-advertise-peer-urls": peerUrl,
      "initial-cluster": `blixt=${peerUrl}`,
    }),
  ];
}

/** How to run kube-apiserver. */
export interface ApiServerSite {
  /** Where etcd serves. */
  readonly etcd: string;
  readonly pki: Pki;
  readonly port: number;
  /** Further settings; they win. */
  readonly others?: Flags;
}

/** The command that runs kube-apiserver. */
export function apiServerCommand({ etcd, pki, port, others }: ApiServerSite): string[] {
  const { authority, admin, apiServer, serviceAccounts } = pki;
  const settings = {
    "etcd-servers": etcd,
    "secure-port": `${port}`,
    "tls-cert-file": apiServer.certificate,
    "tls-private-key-file": apiServer.key,
    "client-ca-file": authority.certificate,
    "kubelet-client-certificate": admin.certificate,
    "kubelet-client-key": admin.key,
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-account-key-file": serviceAccounts.publicKey,
    "service-account-signing-key-file": serviceAccounts.key,
    "service-cluster-ip-range": `${SERVICE_NETWORKS.ipv4},${SERVICE_NETWORKS.ipv6}`,
    "authorization-mode": "RBAC",
  };
  return [clusterProgram("kube-apiserver"), ...toArguments({ ...settings, ...others })];
}
