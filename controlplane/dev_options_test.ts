// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "./cli.ts";
import { type DevOptions, parseDevOptions } from "./dev_options.ts";

const parse = (args: string[], env: Record<string, string> = { HOME: "/home/dev" }): DevOptions | "help" =>
  parseDevOptions(args, "/here", (name) => env[name]);

Deno.test("parseDevOptions() takes the current kubeconfig as kubectl does", () => {
  assertEquals(parse([]), { kubeconfig: "/home/dev/.kube/config" });
  assertEquals(parse([], { KUBECONFIG: ":/a:/b" }), { kubeconfig: "/a" });
  assertEquals(parse(["--kubeconfig", "c", "--context", "kind"], { KUBECONFIG: "/a" }), {
    kubeconfig: "/here/c",
    context: "kind",
  });
});

Deno.test("parseDevOptions() takes a folder of manifests and a real loader", () => {
  assertEquals(parse(["--manifests", "k8s", "--loader", "unix:/l.sock", "--object", "blixt.o"]), {
    manifests: "/here/k8s",
    loader: "unix:/l.sock",
    object: "/here/blixt.o",
  });
  assertEquals(parse(["--help"]), "help");
});

Deno.test("parseDevOptions() says what is wrong with a command line", () => {
  assertThrows(() => parse(["--frobnicate"]), UsageError, "Unknown argument --frobnicate");
  assertThrows(() => parse(["--manifests", "a", "--kubeconfig", "b"]), UsageError, "exclude each other");
  assertThrows(() => parse(["--loader", "unix:/l"]), UsageError, "--loader needs --object");
});
