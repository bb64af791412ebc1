// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../controlplane/tasks/run_task.ts";
import { parseConformanceOptions } from "./conformance_options.ts";

Deno.test("parseConformanceOptions() ends the cluster after a run with kube-proxy over nftables by default", () => {
  const { proxy, keep, flags } = parseConformanceOptions([], "/");
  assertEquals([proxy, keep, flags], ["nftables", false, []]);
});

Deno.test("parseConformanceOptions() takes every option and hands on the suite's flags", () => {
  const args = ["--proxy", "none", "--report=r.yaml", "--keep", "--", "-run-test=X", "--debug"];
  assertEquals(parseConformanceOptions(args, "/here"), {
    proxy: "none",
    report: "/here/r.yaml",
    keep: true,
    flags: ["-run-test=X", "--debug"],
  });
});

for (
  const [args, message] of [
    [["--nodes", "3"], "--nodes is not an option"],
    [["TCPRoute"], "TCPRoute is not an option"],
    [["--proxy", "ipvs"], "--proxy takes nftables, iptables, none"],
    [["--report="], "--report needs a file"],
  ] as const
) {
  Deno.test(`parseConformanceOptions() refuses ${args.join(" ")}`, () => {
    assertThrows(() => parseConformanceOptions(args, "/"), UsageError, message);
  });
}
