// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine, UsageError } from "./cli.ts";

const COMMON = ["--loader", "unix:/run/l.sock", "--object", "blixt.o"];

Deno.test("parseCommandLine() reads a folder of manifests, the status file beside the socket by default", () => {
  assertEquals(parseCommandLine(["--manifests", "k8s", ...COMMON]), {
    source: { type: "manifests", folder: "k8s", statusFile: "/run/status.yaml" },
    loader: "unix:/run/l.sock",
    object: "blixt.o",
    interfaces: [],
    xdp: "auto",
    order: { order: 1 },
    limits: { flows: 1_000_000, services: 10_000, backends: 100_000, clients: 200_000, listeners: 10_000 },
    unloadOnExit: false,
    json: false,
  });
});

Deno.test("parseCommandLine() reads every option", () => {
  const all = [
    "--interface",
    "eth0",
    "--interface=eth1",
    "--status-file",
    "s.yaml",
    "--unload-on-exit",
    "--health=127.0.0.1:9441",
    "--xdp=off",
    "--order=after:57",
    "--metrics=[::1]:9442",
    "--flows=5",
    "--services=6",
    "--backends",
    "7",
    "--clients=9",
    "--listeners=8",
    "--json",
  ];
  assertEquals(parseCommandLine(["--manifests=k8s", ...COMMON, ...all]), {
    source: { type: "manifests", folder: "k8s", statusFile: "s.yaml" },
    loader: "unix:/run/l.sock",
    object: "blixt.o",
    interfaces: ["eth0", "eth1"],
    xdp: "off",
    order: { order: 3, anchor: { programId: 57 } },
    limits: { flows: 5, services: 6, backends: 7, clients: 9, listeners: 8 },
    unloadOnExit: true,
    health: { hostname: "127.0.0.1", port: 9441 },
    metrics: { hostname: "::1", port: 9442 },
    json: true,
  });
});

Deno.test("parseCommandLine() reads which of the manifests' Nodes this host is", () => {
  const { source } = parseCommandLine(["--manifests", "k8s", "--node", "a", ...COMMON]) as {
    source: unknown;
  };
  assertEquals(source, { type: "manifests", folder: "k8s", statusFile: "/run/status.yaml", node: "a" });
});

Deno.test("parseCommandLine() reads a kubeconfig with a context, and the pod's own account", () => {
  const sourceOf = (...args: string[]): unknown =>
    (parseCommandLine([...args, ...COMMON]) as { source: unknown }).source;
  assertEquals(sourceOf("--kubeconfig", "c"), { type: "apiserver", kubeconfig: "c" });
  assertEquals(sourceOf("--kubeconfig", "c", "--context", "kind"), {
    type: "apiserver",
    kubeconfig: "c",
    context: "kind",
  });
  assertEquals(sourceOf("--in-cluster", "--node", "a"), { type: "apiserver", node: "a" });
});

Deno.test("parseCommandLine() takes the node's name from the environment where it is not given", () => {
  const env = (name: string): string | undefined => name === "NODE_NAME" ? "from-env" : undefined;
  const sourceOf = (...args: string[]): unknown =>
    (parseCommandLine([...args, ...COMMON], env) as { source: unknown }).source;
  assertEquals(sourceOf("--in-cluster"), { type: "apiserver", node: "from-env" });
  assertEquals(sourceOf("--in-cluster", "--node=given"), { type: "apiserver", node: "given" });
  assertEquals(sourceOf("--kubeconfig", "c"), { type: "apiserver", kubeconfig: "c", node: "from-env" });
});

Deno.test("parseCommandLine() does not look at the environment with manifests", () => {
  parseCommandLine(["--manifests", "k8s", ...COMMON], () => {
    throw new Error("not allowed");
  });
});

Deno.test("parseCommandLine() answers help before it looks at anything else", () => {
  assertEquals(parseCommandLine(["--help"]), "help");
});

Deno.test("parseCommandLine() says what is wrong with a command line", () => {
  const cases: [string[], string][] = [
    [["--manifests", "k8s", ...COMMON, "--frobnicate"], "Unknown argument --frobnicate"],
    [["--manifests", "k8s", ...COMMON, "extra"], "Unknown argument extra"],
    [COMMON, "Exactly one of --manifests, --kubeconfig and --in-cluster must be given, not 0"],
    [["--manifests", "a", "--kubeconfig", "b", ...COMMON], "must be given, not 2"],
    [["--in-cluster", ...COMMON], "--node is missing: with --in-cluster"],
    [["--manifests", "a", "--context", "b", ...COMMON], "--context needs --kubeconfig"],
    [["--kubeconfig", "a", "--status-file", "b", ...COMMON], "--status-file needs --manifests"],
    [["--manifests", "a", "--object", "o"], "--loader is missing"],
    [
      ["--manifests", "a", "--object", "o", "--loader", "/run/l.sock"],
      "--loader is /run/l.sock, must be unix:",
    ],
    [["--manifests", "a", "--loader", "unix:/l"], "--object is missing"],
    [["--manifests", ...COMMON], "--manifests needs a value"],
    [["--manifests", "a", ...COMMON, "--interface", ""], "--interface needs a value"],
    [
      ["--manifests", "a", ...COMMON, "--order", "before:x"],
      "--order is before:x, must be first, last, before:PROGRAM",
    ],
    [["--manifests", "a", ...COMMON, "--xdp", "yes"], "--xdp is yes, must be one of auto, off, on"],
    ...["0", "-1", "1e6", "many", "1000000001"].map((number): [string[], string] => [
      ["--manifests", "a", ...COMMON, `--flows=${number}`],
      `--flows is ${number}, must be a whole number from 1 to 1000000000`,
    ]),
    [["--manifests", "a", ...COMMON, "--health", "9441"], "--health is 9441, must be a host and a port"],
    [["--manifests", "a", ...COMMON, "--metrics=h"], "--metrics is h, must be a host and a port"],
  ];
  for (const [args, sentence] of cases) {
    assertThrows(() => parseCommandLine(args), UsageError, sentence);
  }
});
