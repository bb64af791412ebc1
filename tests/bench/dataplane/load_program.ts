// SPDX-License-Identifier: Apache-2.0

import { runOrThrow } from "../../../controlplane/tasks/command.ts";
import { paths } from "../../../controlplane/tasks/paths.ts";
import type { Background } from "../../netns/background.ts";
import type { Netns } from "../../netns/netns.ts";
import { joinHostPort } from "../../netns/addresses.ts";

const TARGET = `${paths.cache}/target-load`;
const PROGRAM = `${TARGET}/release/blixt-load`;

/** Builds the program of load/. */
export async function buildLoadProgram(): Promise<void> {
  await runOrThrow("cargo build --release --locked --quiet".split(" "), {
    cwd: `${paths.repository}/tests/bench/load`,
    env: { CARGO_TARGET_DIR: TARGET },
    log: `${paths.logs}/build-load.log`,
  });
}

/** Starts a server that answers with its name, and waits until it listens. */
export async function startLoadServer(netns: Netns, name: string, to: string): Promise<Background> {
  const server = netns.start([PROGRAM, "serve", name, to]);
  try {
    await server.waitForLine(/^listening$/, 10_000);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** What a client of load/ sends. */
export type LoadKind = "request" | "connect" | "datagram";

/** What it says at its end; times in nanoseconds, absent for datagrams. */
export interface LoadReport {
  readonly count: number;
  readonly seconds: number;
  /** Seconds of processor time that the client itself has taken. */
  readonly cpu: number;
  readonly p50?: number;
  readonly p99?: number;
  /** Answers by the server's name. */
  readonly servers: Readonly<Record<string, number>>;
}

/** Runs a client to its end. Throws when one connection or answer fails. */
export async function runLoad(
  netns: Netns,
  kind: LoadKind,
  { address, port }: { readonly address: string; readonly port: number },
  seconds: number,
): Promise<LoadReport> {
  const argv = [PROGRAM, kind, joinHostPort(address, port), String(seconds)];
  const { stdout } = await netns.run(argv, { timeout: seconds * 1_000 + 20_000 });
  return JSON.parse(stdout) as LoadReport;
}
