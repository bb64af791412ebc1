// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { presentNetns, runPaths } from "./run_paths.ts";

Deno.test("runPaths() keeps network namespaces apart by their inode", () => {
  assertEquals(runPaths(4026531840), {
    folder: "/run/blixt/4026531840",
    lock: "/run/blixt/4026531840/start.lock",
    socket: "/run/blixt/4026531840/loader.sock",
  });
});

Deno.test("presentNetns() is the number that the kernel shows for this process", async () => {
  assertEquals(await Deno.readLink("/proc/self/ns/net"), `net:[${presentNetns()}]`);
});
