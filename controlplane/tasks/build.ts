// SPDX-License-Identifier: Apache-2.0

import { runOrThrow } from "./command.ts";
import { paths } from "./paths.ts";
import { step } from "./progress.ts";
import { ensure } from "./requirement.ts";
import { buildRequirements } from "./requirements.ts";
import { runTask } from "./run_task.ts";

/**
 * Builds the loader. Cargo decides what is out of date; nothing to do takes
 * about a second. Throws with the compiler's words.
 */
export async function buildLoader(): Promise<void> {
  await runOrThrow(["cargo", "build", "--release", "--package", "blixt-loader"], {
    cwd: paths.repository,
    env: { CARGO_TARGET_DIR: paths.target },
    log: `${paths.logs}/build-loader.log`,
  });
}

/**
 * The command that builds the eBPF object into a folder. Stable Rust has no
 * core library for the target, so that is built too, which needs `-Z build-std`
 * and RUSTC_BOOTSTRAP to allow it, for this one command.
 */
export function kernelObjectBuild(target: string): { argv: string[]; env: Record<string, string> } {
  const flags = [
    `--cfg=bpf_target_arch="${Deno.build.arch}"`,
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
    // Else moved and zeroed memory is left to functions that go byte by byte.
    "-Clink-arg=--disable-expand-memcpy-in-order",
  ];
  const build = "cargo build --release --package blixt-ebpf --bin blixt --target bpfel-unknown-none";
  return {
    argv: [...build.split(" "), "-Z", "build-std=core"],
    env: {
      CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f"),
      CARGO_TARGET_DIR: target,
      RUSTC_BOOTSTRAP: "1",
    },
  };
}

/** Builds the eBPF object. */
export async function buildKernelObject(): Promise<void> {
  const { argv, env } = kernelObjectBuild(paths.bpfTarget);
  await runOrThrow(argv, { cwd: paths.repository, env, log: `${paths.logs}/build-kernel-object.log` });
}

/** Fetches what the control plane imports, so that starting it later needs no network; into DENO_DIR unless a folder is named. */
export async function fetchPackages(folder?: string): Promise<void> {
  await runOrThrow([Deno.execPath(), "cache", "--quiet", "controlplane/main.ts"], {
    cwd: paths.repository,
    ...(folder !== undefined && { env: { DENO_DIR: folder } }),
    log: `${paths.logs}/fetch-packages.log`,
  });
}

/** Makes everything that a start needs, or finds it made. */
export async function buildAll(): Promise<void> {
  await step("fetching npm packages", () => fetchPackages());
  await step("building the kernel object", buildKernelObject);
  await step("building the loader", buildLoader);
}

if (import.meta.main) {
  await runTask(async () => {
    await ensure(buildRequirements);
    await buildAll();
    console.log(`loader         ${paths.loader}\nkernel object  ${paths.kernelObject}`);
  });
}
