// SPDX-License-Identifier: Apache-2.0

import { run, runOrThrow } from "../../controlplane/tasks/command.ts";
import type { Requirement } from "../../controlplane/tasks/requirement.ts";

/** Rust's target for a program that needs no shared library. */
export const MUSL_TARGET = `${Deno.build.arch}-unknown-linux-musl`;

const add = ["rustup", "target", "add", MUSL_TARGET];

/** Rust's standard library for that target. */
export const muslTarget: Requirement = {
  missing: async () => {
    const sysroot = (await run(["rustc", "--print", "sysroot"])).stdout.trim();
    const library = `${sysroot}/lib/rustlib/${MUSL_TARGET}/lib`;
    return await Deno.stat(library).then(() => undefined, () => `Rust's target ${MUSL_TARGET}`);
  },
  install: async () => void await runOrThrow(add),
  remedy: () => add.join(" "),
};
