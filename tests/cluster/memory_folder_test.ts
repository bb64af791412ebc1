// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { memoryFolder } from "./memory_folder.ts";

/** File system type of tmpfs, as stat -f prints it. */
async function typeOf(folder: string): Promise<string> {
  const { stdout } = await new Deno.Command("stat", { args: ["-f", "-c", "%T", folder] }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("memoryFolder() is in memory, or the other folder where a machine has none there", async () => {
  const folder = memoryFolder("/other");
  if (folder === "/other") {
    assertEquals(await Deno.stat("/dev/shm").catch(() => "none"), "none");
  } else {
    assert(["tmpfs", "ramfs"].includes(await typeOf(folder)), folder);
  }
});
