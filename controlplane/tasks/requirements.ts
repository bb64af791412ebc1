// SPDX-License-Identifier: Apache-2.0

import { findProgram, run, runOrThrow } from "./command.ts";
import { installPackages, missingPackages, type ProgramPackage } from "./debian_packages.ts";
import { paths } from "./paths.ts";
import type { Requirement } from "./requirement.ts";
import { atLeast, parseVersion } from "./version.ts";

/** Oldest Rust that compiles the workspace; `rust-version` of Cargo.toml. */
const RUST = "1.95";

/** Uses the LLVM 22 of Rust 1.95; later releases want LLVM 23. */
const BPF_LINKER = "0.10.3";

const bpfLinkerInstall = [
  ..."cargo install bpf-linker --locked --version".split(" "),
  BPF_LINKER,
  "--root",
  paths.tools,
];

async function versionOf(program: string, ...args: string[]): Promise<string | undefined> {
  if (await findProgram(program) === undefined) return undefined;
  const { code, output } = await run([program, ...args]);
  return code === 0 ? parseVersion(output) : undefined;
}

const rust: Requirement = {
  missing: async () => {
    const version = await versionOf("rustc", "--version");
    if (version === undefined) return `Rust ${RUST} or newer`;
    return atLeast(version, RUST) ? undefined : `Rust ${RUST} or newer (rustc is ${version})`;
  },
  remedy: () => "rustup toolchain install stable && rustup default stable",
};

const linker: Requirement = {
  missing: async () =>
    await findProgram("cc") === undefined ? "a C compiler, which Rust links with," : undefined,
  remedy: () => "apt-get install gcc libc6-dev",
};

const rustSource: Requirement = {
  missing: async () => {
    const sysroot = (await run(["rustc", "--print", "sysroot"])).output.trim();
    const core = `${sysroot}/lib/rustlib/src/rust/library/core/Cargo.toml`;
    return await exists(core) ? undefined : "rust-src";
  },
  install: async () => void await runOrThrow("rustup component add rust-src".split(" ")),
  remedy: () => "rustup component add rust-src",
};

const bpfLinker: Requirement = {
  missing: async () =>
    await versionOf("bpf-linker", "--version") === BPF_LINKER ? undefined : `bpf-linker ${BPF_LINKER}`,
  install: async () => void await runOrThrow(bpfLinkerInstall, { log: `${paths.logs}/bpf-linker.log` }),
  remedy: () => bpfLinkerInstall.join(" "),
};

/** The programs of Debian packages, as one requirement. */
export function programs(packages: readonly ProgramPackage[]): Requirement {
  return {
    missing: async () => {
      const missing = await missingPackages(packages);
      return missing.length === 0 ? undefined : missing.join(", ");
    },
    install: () => installPackages(packages),
    remedy: (missing) => `apt-get install ${missing.replaceAll(",", "")}`,
  };
}

const startPrograms: ProgramPackage[] = [
  { program: "mount", package: "mount" },
  { program: "nsenter", package: "util-linux" },
  { program: "setpriv", package: "util-linux" },
];

const demoPrograms: ProgramPackage[] = [
  { program: "ethtool", package: "ethtool" },
  { program: "ip", package: "iproute2" },
  { program: "nft", package: "nftables" },
  { program: "socat", package: "socat" },
  { program: "sysctl", package: "procps" },
];

/** What building takes. */
export const buildRequirements: readonly Requirement[] = [rust, linker, rustSource, bpfLinker];

/** What running on a host takes. */
export const startRequirements: readonly Requirement[] = [...buildRequirements, programs(startPrograms)];

/** What the demo takes. */
export const demoRequirements: readonly Requirement[] = [
  ...buildRequirements,
  programs([...startPrograms, ...demoPrograms]),
];

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
