// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { lastingMountNamespace, type NamespaceReader } from "./mount_namespace.ts";

/** Processes by the namespace they live in; 1 is older than the others. */
function reader(namespaces: Record<string, string>, hidden: readonly string[] = []): NamespaceReader {
  return {
    candidates: () => Object.keys(namespaces).filter((pid) => pid !== "self").map(Number),
    identity: (pid) => namespaces[pid],
    same: (_path, root) => !hidden.includes(root),
  };
}

const elsewhere = (pid: number) => ({
  root: `/proc/${pid}/root`,
  enter: ["nsenter", `--mount=/proc/${pid}/ns/mnt`, "--"],
});

Deno.test("lastingMountNamespace() is the present one where nothing is private", () => {
  assertEquals(lastingMountNamespace("/bin/loader", reader({ 1: "outer", self: "outer" })), {
    root: "",
    enter: [],
  });
});

Deno.test("lastingMountNamespace() is that of process 1 under ip netns exec", () => {
  const present = reader({ 1: "outer", 50: "outer", self: "private" });
  assertEquals(lastingMountNamespace("/bin/loader", present), elsewhere(1));
});

Deno.test("lastingMountNamespace() is that of the oldest ancestor that lets us in", () => {
  const present: NamespaceReader = {
    ...reader({ 50: "outer", 60: "private", self: "private" }),
    candidates: () => [1, 50, 60],
  };
  assertEquals(lastingMountNamespace("/bin/loader", present), elsewhere(50));
});

Deno.test("lastingMountNamespace() passes over namespaces in which the loader cannot be seen", () => {
  const present = reader({ 1: "host", 50: "outer", self: "private" }, ["/proc/1/root"]);
  assertEquals(lastingMountNamespace("/bin/loader", present), elsewhere(50));
  const alone = reader({ 1: "host", 60: "private", self: "private" }, ["/proc/1/root"]);
  assertEquals(lastingMountNamespace("/bin/loader", alone), { root: "", enter: [] });
});
