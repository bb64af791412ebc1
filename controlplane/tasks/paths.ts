// SPDX-License-Identifier: Apache-2.0

import { fromFileUrl } from "@std/path";

/** Where everything lies, as absolute paths. Nothing is built or written inside the repository. */
export interface Paths {
  /** The repository. */
  readonly repository: string;
  /** Everything that can be built again: `$BLIXT_CACHE`, by default `~/.cache/blixt`. */
  readonly cache: string;
  /** CARGO_TARGET_DIR of programs for this machine. */
  readonly target: string;
  /** CARGO_TARGET_DIR of the kernel object. */
  readonly bpfTarget: string;
  /** The loader, built. */
  readonly loader: string;
  /** The eBPF object that the loader loads, built. */
  readonly kernelObject: string;
  /** Programs installed for the project alone, such as bpf-linker. */
  readonly tools: string;
  /** kube-apiserver, kubectl and etcd. */
  readonly clusterBin: string;
  /** The Gateway API's CustomResourceDefinitions. */
  readonly crds: string;
  /** One file for every step and suite. */
  readonly logs: string;
}

/** Places the paths under a repository and a cache folder. */
export function layOut(repository: string, cache: string): Paths {
  const target = `${cache}/target`;
  const bpfTarget = `${cache}/target-bpf`;
  return {
    repository,
    cache,
    target,
    bpfTarget,
    loader: `${target}/release/blixt-loader`,
    kernelObject: `${bpfTarget}/bpfel-unknown-none/release/blixt`,
    tools: `${cache}/tools`,
    clusterBin: `${cache}/cluster/bin`,
    crds: `${cache}/cluster/crds`,
    logs: `${cache}/logs`,
  };
}

/** The cache folder that the environment asks for. */
export function cacheFolder(env: (name: string) => string | undefined): string {
  return env("BLIXT_CACHE") ?? `${env("HOME") ?? "/root"}/.cache/blixt`;
}

const repository = fromFileUrl(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** This repository's paths. */
export const paths: Paths = layOut(repository, cacheFolder((name) => Deno.env.get(name)));
