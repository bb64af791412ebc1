// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../controlplane/tasks/run_task.ts";
import { DEFAULTS, parseClusterCommand } from "./cluster_options.ts";

Deno.test("parseClusterCommand() makes two nodes with kube-proxy over nftables by default", () => {
  assertEquals(parseClusterCommand(["up"]), { action: "up", options: DEFAULTS });
});

Deno.test("parseClusterCommand() takes every option", () => {
  const args = ["up", "--nodes", "1", "--proxy=none", "--name", "second"];
  assertEquals(parseClusterCommand(args).options, { nodes: 1, proxy: "none", name: "second" });
});

const mistakes: readonly [string, readonly string[], string][] = [
  ["no action", [], "exactly one of up, down and status"],
  ["an unknown action", ["restart"], "exactly one of up, down and status"],
  ["two actions", ["up", "down"], "exactly one of up, down and status"],
  ["an unknown option", ["up", "--proxies", "none"], "--proxies is not an option"],
  ["no nodes", ["up", "--nodes", "0"], "--nodes takes"],
  ["half a node", ["up", "--nodes", "1.5"], "--nodes takes"],
  ["too many nodes", ["up", "--nodes", "9"], "--nodes takes"],
  ["another proxy mode", ["up", "--proxy", "ipvs"], "--proxy takes nftables, iptables, none"],
  ["a name that is a path", ["down", "--name", "../x"], "--name takes"],
];

for (const [what, args, message] of mistakes) {
  Deno.test(`parseClusterCommand() refuses ${what}`, () => {
    assertThrows(() => parseClusterCommand(args), UsageError, message);
  });
}
