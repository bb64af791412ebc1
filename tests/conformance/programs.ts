// SPDX-License-Identifier: Apache-2.0

import { findProgram, runOrThrow } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { Requirement } from "../../controlplane/tasks/requirement.ts";
import { writeProgramImage } from "../cluster/images.ts";
import { buildGo, clusterProgram, goEnvironment, moduleFolder } from "../cluster/programs.ts";

/** Folder of the Go module that pins the suite. */
const module = import.meta.dirname!;

/** The suite and Blixt's part of it, built. */
export const suiteProgram = clusterProgram("conformance.test");

/** Servers behind the suite's routes: the program, and every name by which the suite's manifests ask for it. */
const SERVERS: Readonly<Record<string, readonly string[]>> = {
  "coredns": ["registry.k8s.io/coredns/coredns:v1.12.2"],
  "echo-basic": ["v1.5.1", "v1.6.0-dev.2", "v1.6.0-dev.3"].map((tag) =>
    `registry.k8s.io/gateway-api/echo-basic:${tag}`
  ),
};

function built(program: string, folder: string, path: string): Requirement {
  return {
    missing: async () => await findProgram(program, paths.clusterBin) === undefined ? program : undefined,
    install: () => buildGo(program, { module: folder, package: path }),
    remedy: () => "deno task conformance",
  };
}

/** What the suite needs in the cluster. */
export const serverRequirements: readonly Requirement[] = [
  built("coredns", moduleFolder("coredns"), "."),
  built("echo-basic", module, "sigs.k8s.io/gateway-api/conformance/echo-basic"),
];

/** Makes the images of the servers. */
export async function writeServerImages(): Promise<void> {
  for (const [program, references] of Object.entries(SERVERS)) {
    for (const reference of references) await writeProgramImage(program, reference);
  }
}

/** Builds the suite; nothing to do takes some seconds. */
export async function buildSuite(): Promise<void> {
  await runOrThrow(["go", "test", "-mod=readonly", "-c", "-o", suiteProgram, "."], {
    cwd: module,
    env: goEnvironment,
    log: `${paths.logs}/build-conformance.log`,
  });
}
