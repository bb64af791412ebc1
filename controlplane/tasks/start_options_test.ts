// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "./run_task.ts";
import { parseStartOptions } from "./start_options.ts";

const parse = (...args: string[]) => parseStartOptions(args, "/home/me");

Deno.test("parseStartOptions() takes paths relative to where the user stands", () => {
  assertEquals(parse("--manifests", "samples", "--status-file=out/status.yaml"), {
    source: { kind: "manifests", path: "/home/me/samples" },
    interfaces: [],
    statusFile: "/home/me/out/status.yaml",
    others: [],
  });
  assertEquals(parse("--kubeconfig", "/etc/k").source, { kind: "kubeconfig", path: "/etc/k" });
});

Deno.test("parseStartOptions() collects interfaces and passes what it does not know on, in order", () => {
  const { interfaces, others } = parse(
    "--interface",
    "eth0",
    "--json",
    "--manifests=m",
    "--interface=eth1",
    "--x",
    "1",
  );
  assertEquals(interfaces, ["eth0", "eth1"]);
  assertEquals(others, ["--json", "--x", "1"]);
});

Deno.test("parseStartOptions() ignores the two dashes that deno task passes on", () => {
  assertEquals(parse("--", "--manifests", "m").source.path, "/home/me/m");
});

Deno.test("parseStartOptions() refuses a command line that it cannot carry out", () => {
  const wrong: [string[], string][] = [
    [[], "exactly one of --manifests and --kubeconfig"],
    [["--manifests", "m", "--kubeconfig", "k"], "exactly one of --manifests and --kubeconfig"],
    [["--manifests"], "--manifests needs a value"],
    [["--manifests="], "--manifests needs a value"],
    [["--manifests", "m", "--manifests", "n"], "--manifests is given twice"],
  ];
  for (const [args, message] of wrong) assertThrows(() => parse(...args), UsageError, message);
});
