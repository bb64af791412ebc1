// SPDX-License-Identifier: Apache-2.0

// The project's two images, as their Containerfiles describe them and this
// machine's builds fill them.

import { parseAllDocuments } from "yaml";
import { buildKernelObject, fetchPackages } from "../../controlplane/tasks/build.ts";
import { runOrThrow } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import type { Image, ImageFile } from "./archive.ts";
import { parseLastStage } from "./containerfile.ts";
import { MUSL_TARGET } from "./musl_target.ts";
import { sharedLibraries } from "./shared_libraries.ts";
import { parseIgnoreFile, stageFiles, type StandIns } from "./stage_files.ts";

/** Names of the containers of the DaemonSet, and of the folders with their Containerfiles. */
export type Part = "controlplane" | "loader";

/** DENO_DIR with the packages of the control plane and no others. */
const denoFolder = `${paths.cache}/deno-dir`;

/** What the stages before the last leave, and where it is here. */
async function standIns(part: Part, containerfile: string): Promise<StandIns> {
  if (part === "loader") {
    return { "build:/cache/target/release": `${imageTarget}/${MUSL_TARGET}/release` };
  }
  return {
    "deno:/deno": await denoOf(containerfile),
    "build:/blixt": paths.repository,
    "build:/cache": paths.cache,
    "build:/deno-dir": denoFolder,
  };
}

/** The Deno of the version that a Containerfile names: this one, or else the one that npm brings. */
async function denoOf(containerfile: string): Promise<string> {
  const version = /^FROM \S+\/deno:bin-(\S+) AS deno$/m.exec(containerfile)?.[1];
  if (version === undefined) throw new Error("The Containerfile names no version of Deno");
  if (version === Deno.version.deno) return Deno.execPath();
  const where = ["eval", "console.log(Deno.execPath())"];
  return (await runOrThrow(["npx", "--yes", `deno@${version}`, ...where])).trim();
}

/** The files of base images, of which a container here needs the shared libraries of its program alone. */
const BASES: Readonly<Record<string, (program: string) => Promise<ImageFile[]>>> = {
  "scratch": () => Promise.resolve([]),
  "gcr.io/distroless/cc-debian12:nonroot": sharedLibraries,
};

/** Where an image's archive goes. */
export function archiveOf(part: Part): string {
  return `${paths.cache}/images/blixt-${part}.tar`;
}

/** Makes what goes into the control plane's image; nothing to do takes a second. */
export async function buildControlPlane(): Promise<void> {
  await buildKernelObject();
  await fetchPackages(denoFolder);
}

/** A folder of its own: Cargo lets nobody else build in one that it builds in, and every start of Blixt does. */
const imageTarget = `${paths.cache}/target-image`;

/** Makes what goes into the loader's image. */
export async function buildStaticLoader(): Promise<void> {
  const build = "cargo build --release --locked --package blixt-loader --target";
  await runOrThrow([...build.split(" "), MUSL_TARGET], {
    cwd: paths.repository,
    env: { CARGO_TARGET_DIR: imageTarget },
    log: `${paths.logs}/image-loader.log`,
  });
}

/** The image of a part, once it is built: files and configuration by its Containerfile, the name by the DaemonSet. */
export async function describeImage(part: Part): Promise<Image> {
  const { repository } = paths;
  const containerfile = await Deno.readTextFile(`${repository}/${part}/Containerfile`);
  const stage = parseLastStage(containerfile);
  const ignores = parseIgnoreFile(await Deno.readTextFile(`${repository}/.dockerignore`), repository);
  const files = await stageFiles(stage, await standIns(part, containerfile), ignores);
  const base = BASES[stage.base];
  if (base === undefined) throw new Error(`Nothing on this machine stands in for the image ${stage.base}`);
  const program = files.find(({ path }) => path === stage.entrypoint[0]);
  if (program === undefined) {
    throw new Error(`The image of ${part} lacks its entrypoint ${stage.entrypoint[0]}`);
  }
  const { entrypoint, env, labels, user } = stage;
  return {
    reference: await imageReference(part),
    files: [...await base(program.source), ...files],
    entrypoint,
    env,
    labels,
    user,
  };
}

/** The image that the DaemonSet's container names. */
async function imageReference(part: Part): Promise<string> {
  const text = await Deno.readTextFile(`${paths.repository}/k8s/base/daemonset.yaml`);
  const [daemonSet] = parseAllDocuments(text).map((document) => document.toJS());
  const containers: { name: string; image: string }[] = daemonSet.spec.template.spec.containers;
  const container = containers.find(({ name }) => name === part);
  if (container === undefined) throw new Error(`The DaemonSet has no container ${part}`);
  return container.image;
}
