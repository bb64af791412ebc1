// SPDX-License-Identifier: Apache-2.0

import { runOrThrow } from "../../../controlplane/tasks/command.ts";
import { paths } from "../../../controlplane/tasks/paths.ts";

/** What one path of the program costs. */
export interface PathCost {
  readonly path: string;
  /** Nanoseconds a packet. */
  readonly nanoseconds: number;
}

/** Runs the packet tests that take the time of the program alone, under BPF_PROG_TEST_RUN with a fresh packet every run. */
export async function measurePaths(): Promise<PathCost[]> {
  const test = "cargo test --locked --package blixt-ebpf --test packet -- --include-ignored --nocapture";
  const output = await runOrThrow([...test.split(" "), "--test-threads=1", "cost"], {
    cwd: paths.repository,
    env: { CARGO_TARGET_DIR: paths.target },
    log: `${paths.logs}/bench-paths.log`,
  });
  const costs = parsePathCosts(output);
  if (costs.length === 0) throw new Error(`no path was timed; see ${paths.logs}/bench-paths.log`);
  return costs;
}

/** Lines such as "   61 ns  TCP over IPv4 (89 with …)"; one that begins with "its" is about what the last other one named. */
export function parsePathCosts(output: string): PathCost[] {
  let subject = "";
  return [...output.matchAll(/^(?:test .* \.\.\. )? *(\d+) ns {2}(.+)$/gm)].map(([, time, text]) => {
    const what = text!.replace(/ \(.*\)$/, "");
    const path = what.startsWith("its ") ? `${subject}: ${what.slice(4)}` : what;
    if (!what.startsWith("its ")) subject = what;
    return { path, nanoseconds: Number(time) };
  });
}
