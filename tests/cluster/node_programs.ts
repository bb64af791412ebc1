// SPDX-License-Identifier: Apache-2.0

import { findProgram, runOrThrow } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { Requirement } from "../../controlplane/tasks/requirement.ts";
import { unpackDebian } from "./debian_archive.ts";
import { clusterProgram, moduleFolder } from "./programs.ts";

/** Folder of the CNI plugins. */
export const cniPlugins = `${paths.cache}/cluster/cni`;

/** Files of a Debian package that go to a folder of the cache. */
interface Unpacking {
  readonly package: string;
  readonly files: readonly string[];
  readonly into: string;
}

const unpackings: readonly Unpacking[] = [
  {
    package: "containerd",
    files: ["usr/bin/containerd", "usr/bin/containerd-shim-runc-v2", "usr/bin/ctr"],
    into: paths.clusterBin,
  },
  { package: "runc", files: ["usr/sbin/runc"], into: paths.clusterBin },
  {
    package: "containernetworking-plugins",
    files: ["bridge", "host-local", "loopback", "portmap"].map((name) => `usr/lib/cni/${name}`),
    into: cniPlugins,
  },
];

function unpacked({ package: name, files, into }: Unpacking): Requirement {
  const present = (file: string): Promise<boolean> =>
    findProgram(file.split("/").at(-1)!, into).then((found) => found !== undefined);
  return {
    missing: async () => (await Promise.all(files.map(present))).every(Boolean) ? undefined : name,
    install: () => unpackDebian(name, files, into),
    remedy: () => "deno task cluster up",
  };
}

const pause: Requirement = {
  missing: async () => await findProgram("pause", paths.clusterBin) === undefined ? "pause" : undefined,
  install: async () => {
    await Deno.mkdir(paths.clusterBin, { recursive: true });
    const source = `${moduleFolder("pause")}/pause.c`;
    await runOrThrow(["cc", "-static", "-Os", "-s", "-o", clusterProgram("pause"), source]);
  },
  remedy: () => "deno task cluster up",
};

/** What runs on nodes besides Kubernetes' own programs. */
export const nodePrograms: readonly Requirement[] = [...unpackings.map(unpacked), pause];
