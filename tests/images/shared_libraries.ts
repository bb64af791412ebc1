// SPDX-License-Identifier: Apache-2.0

import { runOrThrow } from "../../controlplane/tasks/command.ts";
import type { ImageFile } from "./archive.ts";

/** The libraries in what ldd(1) says, the dynamic linker among them; none of what the kernel maps itself. */
export function parseLdd(output: string): string[] {
  return [...output.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
}

/** The shared libraries that a program needs, at the paths where this machine's dynamic linker looks for them. */
export async function sharedLibraries(program: string): Promise<ImageFile[]> {
  return parseLdd(await runOrThrow(["ldd", program])).map((path) => ({ path, source: path }));
}
