// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import type { Netns } from "./netns.ts";
import { runCommand } from "./run_command.ts";

/** A link that attaches a program to an interface. */
export interface Link {
  readonly id: number;
  readonly prog_id: number;
}

/** The links that are pinned for a network namespace. */
export async function pinnedLinks(host: Netns): Promise<Link[]> {
  const { stdout } = await host.run(["find", ...host.leftBehind(), "-path", "*/links/*"]);
  const files = stdout.split("\n").filter((path) => path !== "");
  return await Promise.all(files.map(async (file) => {
    const shown = await host.run(["bpftool", "--json", "link", "show", "pinned", file]);
    return JSON.parse(shown.stdout) as Link;
  }));
}

/** True when the kernel knows the object; it lets go of what is detached a moment later. */
export async function staysInKernel(kind: "link" | "prog", id: number): Promise<boolean> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const { code } = await runCommand(["bpftool", kind, "show", "id", String(id)], { tolerant: true });
    if (code !== 0) return false;
    await delay(50);
  }
  return true;
}
