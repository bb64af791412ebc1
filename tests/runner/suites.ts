// SPDX-License-Identifier: Apache-2.0

import { paths } from "../../controlplane/tasks/paths.ts";
import {
  countCargoTest,
  countCargoTestUnignored,
  countCheck,
  countDenoTest,
  type Counter,
  countGoTest,
  countPlain,
} from "./counts.ts";
import { goEnvironment } from "../cluster/programs.ts";
import type { Kind, Suite } from "./suite.ts";

const deno = (command: string): string[] => [Deno.execPath(), ...command.split(" ")];
const cargo = (command: string): string[] => ["cargo", ...command.split(" ")];
// Types have been checked by the time that tests run.
const denoTest = (files: string): string[] => deno(`test --quiet --allow-all --no-check ${files}`);
const env = { CARGO_TARGET_DIR: paths.target };

/** The measuring program of the bench is no member of the workspace: images are built without it. */
const LOAD = "--manifest-path tests/bench/load/Cargo.toml";

/** Without root: a check of the sources, or tests in user space. */
const free = (name: string, command: string[], counter: Counter = countCheck): Suite => {
  return { name, command, counter, root: false, kind: "computes", env };
};

/** With root: programs in the kernel, network namespaces. */
const root = (kind: Kind, name: string, command: string[], counter: Counter = countDenoTest): Suite => {
  return { name, command, counter, root: true, kind, env };
};

/** Of the conformance tests' Go module. Not without root: Go and the module's own modules come with the cluster's. */
const go = (name: string, command: string[], counter: Counter = countCheck): Suite => {
  return { ...root("cluster", name, command, counter), env: goEnvironment };
};
const MODULE = "tests/conformance";

/**
 * Every suite; of each kind what is quick and basic first. Those of traffic come last, the longest first: they fill
 * whatever the other kinds leave.
 */
export const suites: readonly Suite[] = [
  free("format", deno("fmt --check")),
  free("lint", deno("lint --quiet")),
  free("types", deno("check --quiet --frozen .")),
  free("rust-format", cargo("fmt --check")),
  free("clippy", cargo("clippy --quiet --locked --workspace --all-targets -- --deny warnings")),
  free("unit", denoTest("--parallel controlplane tests/demo tests/runner tests/support"), countDenoTest),
  free("rust-unit", cargo("test --locked --workspace"), countCargoTestUnignored),
  free("load-format", cargo(`fmt --check ${LOAD}`)),
  free("load-clippy", cargo(`clippy --quiet --locked --all-targets ${LOAD} -- --deny warnings`)),
  free("load", cargo(`test --locked ${LOAD}`), countCargoTest),
  root("computes", "packets", cargo("test --locked --package blixt-ebpf -- --ignored"), countCargoTest),
  root("computes", "loader", cargo("test --locked --package blixt-loader -- --ignored"), countCargoTest),
  root("computes", "bench", denoTest("tests/bench")),
  root("cluster", "cluster", denoTest("tests/cluster tests/conformance")),
  go("go-format", ["sh", "-c", `gofmt -l ${MODULE} && test -z "$(gofmt -l ${MODULE})"`]),
  go("go-vet", `go -C ${MODULE} vet ./...`.split(" ")),
  // Not the module's own package, which runs the conformance tests themselves.
  go("go", `go -C ${MODULE} test -v ./fabric ./layer4 ./proposed/...`.split(" "), countGoTest),
  root("cluster", "images", denoTest("tests/images")),
  root("cluster", "install", denoTest("tests/install")),
  root("cluster", "apiserver", denoTest("tests/apiserver")),
  root("traffic", "netns", denoTest("tests/netns")),
  root("traffic", "e2e", denoTest("tests/e2e")),
  root("traffic", "nodes", denoTest("tests/nodes")),
  root("traffic", "upgrade", denoTest("tests/upgrade")),
  root("traffic", "tasks", denoTest("tests/tasks")),
  root("traffic", "demo", deno("run --allow-all tests/demo/demo.ts"), countPlain),
  root("traffic", "neighbours", denoTest("tests/neighbours")),
  root("traffic", "scenarios", denoTest("tests/loader")),
];
