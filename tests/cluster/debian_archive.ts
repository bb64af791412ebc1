// SPDX-License-Identifier: Apache-2.0

import { basename } from "@std/path";
import { runOrThrow } from "../../controlplane/tasks/command.ts";
import { updatePackageLists } from "../../controlplane/tasks/debian_packages.ts";

/**
 * The versions that tests were made with, of Debian 12. Debian's archive keeps one version of a package and replaces
 * it when there is a fix, so a version can go away; go.mod's pins cannot.
 */
export const DEBIAN_VERSIONS: Readonly<Record<string, string>> = {
  "containerd": "1.6.20~ds1-1+deb12u3",
  "containernetworking-plugins": "1.1.1+ds1-3+b5",
  "etcd-server": "3.4.23-4+b4",
  "runc": "1.1.5+ds1-1+deb12u1",
};

/** Runs apt-get in a folder; rejects when it fails. */
export type AptGet = (args: readonly string[], folder: string) => Promise<unknown>;

const aptGet: AptGet = (args, cwd) => runOrThrow(["apt-get", ...args], { cwd });

/** How to fetch a package; tests put other ways in. */
export interface FetchOptions {
  readonly aptGet?: AptGet;
  readonly update?: () => Promise<void>;
  readonly warn?: (line: string) => void;
}

/**
 * Downloads a package into a folder, in the version above, or with a warning in the archive's own when that one is
 * gone. Rejects when the archive has no such package, or there is no apt-get.
 */
export async function fetchDebian(name: string, folder: string, options: FetchOptions = {}): Promise<void> {
  const { aptGet: run = aptGet, update = updatePackageLists, warn = console.error } = options;
  const version = DEBIAN_VERSIONS[name];
  if (version === undefined) throw new Error(`${name} has no version in DEBIAN_VERSIONS`);
  const pinned = (): Promise<unknown> => run(["download", `${name}=${version}`], folder);
  try {
    await pinned();
  } catch {
    // The lists may be older than the archive, or missing.
    await update();
    await pinned().catch(async () => {
      await run(["download", name], folder);
      warn(`${name} ${version} is no longer in Debian's archive: the archive's own version is taken`);
    });
  }
}

/**
 * Copies files of a Debian package into a folder of the cache. Installing the
 * package could also start it as a service of the machine. Throws where there
 * is no apt-get.
 */
export async function unpackDebian(name: string, files: readonly string[], into: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "blixt-debian-" });
  try {
    await fetchDebian(name, folder);
    const [{ name: archive } = { name: "" }] = await Array.fromAsync(Deno.readDir(folder));
    await runOrThrow(["dpkg-deb", "-x", archive, "."], { cwd: folder });
    await Deno.mkdir(into, { recursive: true });
    for (const file of files) await Deno.copyFile(`${folder}/${file}`, `${into}/${basename(file)}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
