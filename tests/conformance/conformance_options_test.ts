// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../controlplane/tasks/run_task.ts";
import { parseConformanceOptions } from "./conformance_options.ts";

Deno.test("parseConformanceOptions() takes two nodes, both parts, and ends the nodes after the run by default", () => {
  const { nodes, proxy, parts, keep, flags } = parseConformanceOptions([], "/");
  assertEquals([nodes, proxy, parts, keep, flags], [2, "nftables", ["official", "proposed"], false, []]);
});

Deno.test("parseConformanceOptions() takes every option and hands on the suite's flags", () => {
  const args = [
    "--nodes=1",
    "--proxy",
    "none",
    "--part=proposed",
    "--report=r.yaml",
    "--keep",
    "--",
    "-run-test=X",
    "--debug",
  ];
  assertEquals(parseConformanceOptions(args, "/here"), {
    nodes: 1,
    proxy: "none",
    parts: ["proposed"],
    report: "/here/r.yaml",
    keep: true,
    flags: ["-run-test=X", "--debug"],
  });
});

for (
  const [args, message] of [
    [["--node", "1"], "--node is not an option"],
    [["--nodes", "0"], "--nodes takes"],
    [["TCPRoute"], "TCPRoute is not an option"],
    [["--proxy", "ipvs"], "--proxy takes nftables, iptables, none"],
    [["--part=own"], "--part takes official, proposed"],
    [["--report="], "--report needs a file"],
  ] as const
) {
  Deno.test(`parseConformanceOptions() refuses ${args.join(" ")}`, () => {
    assertThrows(() => parseConformanceOptions(args, "/"), UsageError, message);
  });
}
