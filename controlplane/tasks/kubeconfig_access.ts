// SPDX-License-Identifier: Apache-2.0

import { resolve } from "@std/path";
import { parse } from "yaml";

/** What reading a kubeconfig and talking to its API server takes. */
export interface KubeconfigAccess {
  /** Files. */
  readonly read: readonly string[];
  /** `host:port` of every API server named. */
  readonly net: readonly string[];
  /** Programs that hand out credentials. */
  readonly run: readonly string[];
}

/** The parts of a kubeconfig that name something outside of it. */
interface Kubeconfig {
  readonly clusters?: readonly { readonly cluster?: Readonly<Record<string, string>> }[];
  readonly users?: readonly { readonly user?: KubeconfigUser }[];
}

interface KubeconfigUser {
  readonly "client-certificate"?: string;
  readonly "client-key"?: string;
  readonly tokenFile?: string;
  readonly exec?: { readonly command?: string };
}

/** Finds them in a kubeconfig's text; paths in it are relative to its folder. Throws on what is not YAML. */
export function kubeconfigAccess(text: string, folder: string): KubeconfigAccess {
  const config = (parse(text) ?? {}) as Kubeconfig;
  const clusters = (config.clusters ?? []).map(({ cluster }) => cluster ?? {});
  const users = (config.users ?? []).map(({ user }) => user ?? {});
  const files = [
    ...clusters.map((cluster) => cluster["certificate-authority"]),
    ...users.flatMap((user) => [user["client-certificate"], user["client-key"], user.tokenFile]),
  ];
  return {
    read: unique(files).map((path) => resolve(folder, path)),
    net: unique(clusters.map(({ server }) => server === undefined ? undefined : hostAndPort(server))),
    run: unique(users.map(({ exec }) => exec?.command)),
  };
}

function hostAndPort(server: string): string {
  const { hostname, port, protocol } = new URL(server);
  return `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
}

function unique(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}
