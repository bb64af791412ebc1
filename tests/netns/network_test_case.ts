// SPDX-License-Identifier: Apache-2.0

import { taskPath } from "../../controlplane/tasks/command.ts";

/** Programs without which no topology can be built. */
const PROGRAMS = ["ethtool", "ip", "nft", "nsenter", "socat", "sysctl"];

/** What a machine may lack. */
export interface Machine {
  readonly uid: number | null;
  /** Folders in which programs are. */
  readonly folders: readonly string[];
}

/** Why tests in network namespaces cannot run on this machine; undefined when they can. */
export function networkTestObstacle(
  programs: readonly string[] = [],
  { uid, folders }: Machine = { uid: Deno.uid(), folders: taskPath().split(":") },
): string | undefined {
  if (uid !== 0) return "needs root";
  const missing = [...PROGRAMS, ...programs].filter((program) =>
    !folders.some((folder) => isFile(`${folder}/${program}`))
  );
  return missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;
}

/** Registers a test that builds network namespaces, and needs further programs perhaps. Where that cannot be done it is ignored, with the reason in its name. */
export function networkTest(
  name: string,
  body: (test: Deno.TestContext) => Promise<void>,
  programs: readonly string[] = [],
): void {
  const obstacle = networkTestObstacle(programs);
  Deno.test({
    name: obstacle === undefined ? name : `${name} (skipped: ${obstacle})`,
    ignore: obstacle !== undefined,
    fn: body,
  });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
