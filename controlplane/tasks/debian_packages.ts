// SPDX-License-Identifier: Apache-2.0

import { findProgram, runOrThrow } from "./command.ts";
import { paths } from "./paths.ts";

/** A program, and the Debian package that has it. */
export interface ProgramPackage {
  readonly program: string;
  readonly package: string;
}

/** Finds a program on the search path. */
export type ProgramFinder = (program: string) => Promise<string | undefined>;

/** The packages whose program is not here, sorted, each once. */
export async function missingPackages(
  wanted: readonly ProgramPackage[],
  find: ProgramFinder = findProgram,
): Promise<string[]> {
  const missing = new Set<string>();
  for (const { program, package: name } of wanted) {
    if (await find(program) === undefined) missing.add(name);
  }
  return [...missing].sort();
}

const log = (name: string): string => `${paths.logs}/${name}.log`;
let updated = false;

/** Fetches the package lists, once in a process. */
export async function updatePackageLists(): Promise<void> {
  if (updated) return;
  await runOrThrow(["apt-get", "update", "-q"], { log: log("apt-update") });
  updated = true;
}

/** Installs the missing ones and nothing else. Throws when this is not Debian, or the user not root. */
export async function installPackages(wanted: readonly ProgramPackage[]): Promise<void> {
  const missing = await missingPackages(wanted);
  if (missing.length === 0) return;
  if (await findProgram("apt-get") === undefined) {
    throw new Error("this system has no apt-get: install the programs with its own package manager");
  }
  if (Deno.uid() !== 0) throw new Error("only root can install packages");
  await updatePackageLists();
  const install = "apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120".split(" ");
  await runOrThrow([...install, ...missing], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
    log: log("apt-install"),
  });
}
