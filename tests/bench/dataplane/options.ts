// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "@std/cli/parse-args";
import { resolve } from "@std/path";
import { UsageError } from "../../../controlplane/tasks/run_task.ts";
import type { Contender } from "./contender.ts";
import { BASELINE, CONTENDERS } from "./contenders.ts";

const names = CONTENDERS.map(({ name }) => name);

export const USAGE = `deno task bench dataplane [OPTION]…

Compares Blixt with routing, netfilter and proxies: the same client, host and server in network namespaces for each,
measured in turn, round after round. Prints the median of all rounds, and beside it half of the distance between the
least and the greatest. Sockets of iperf3 hold 208 kB, so that its streams stay in the processor's cache. A contender
that does not work is an error. As root; takes about 12 minutes.

  --quick            Two rounds of half a second with 1 and 1,000 services: a look, no result
  --rounds N         How often everything is measured (default: 5)
  --seconds S        How long each measurement takes (default: 1; iperf3 takes whole ones)
  --services LIST    Numbers of services (default: 1,1000,10000); 1 has the three ports that are measured
  --only LIST        Of ${names.join(", ")}; ${BASELINE} is always there
  --no-paths         Leave out the program's paths under BPF_PROG_TEST_RUN
  --json [FILE]      Write the figures as JSON, to standard output instead of the table without FILE
  --svg FILE         Draw them
  --help             Print this help`;

/** What the command line asks for. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly services: readonly number[];
  readonly contenders: readonly Contender[];
  /** Whether the paths of the program are timed too. */
  readonly paths: boolean;
  /** Absolute path, or "" for standard output. */
  readonly json?: string;
  /** Absolute path. */
  readonly svg?: string;
}

/** Most services that Blixt's maps hold by default. */
const MOST_SERVICES = 10_000;

/** Parses the command line. Paths are relative to the folder in which the user stands. Throws UsageError. */
export function parseBenchOptions(args: readonly string[], folder: string): BenchOptions {
  const options: Record<string, unknown> = parseArgs([...args], {
    string: ["rounds", "seconds", "services", "only", "json", "svg"],
    boolean: ["quick", "paths"],
    negatable: ["paths"],
    default: { paths: true },
    unknown: (argument: string) => {
      throw usage(`${argument} is not an option`);
    },
  });
  const quick = options["quick"] === true;
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const number = (name: "rounds" | "seconds", preset: number): number => {
    const value = Number(text(name) ?? preset);
    if (!(value > 0) || value > 1_000 || name === "rounds" && !Number.isInteger(value)) {
      throw usage(`--${name} takes a ${name === "rounds" ? "whole number" : "number"} above 0`);
    }
    return value;
  };
  const services = (text("services") ?? (quick ? "1,1000" : "1,1000,10000")).split(",").map(Number);
  if (services.some((count) => !Number.isInteger(count) || count < 1 || count > MOST_SERVICES)) {
    throw usage(`--services takes whole numbers from 1 to ${MOST_SERVICES}, separated by commas`);
  }
  const only = text("only")?.split(",");
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw usage(`--only takes ${names.join(", ")}, and not "${unknown}"`);
  const [json, svg] = [text("json"), text("svg")];
  if (svg === "") throw usage("--svg needs a file");
  return {
    rounds: number("rounds", quick ? 2 : 5),
    seconds: number("seconds", quick ? 0.5 : 1),
    services,
    contenders: CONTENDERS.filter(({ name }) =>
      only === undefined || name === BASELINE || only.includes(name)
    ),
    paths: options["paths"] === true && !quick,
    ...(json !== undefined && { json: json === "" ? "" : resolve(folder, json) }),
    ...(svg !== undefined && { svg: resolve(folder, svg) }),
  };
}

function usage(message: string): UsageError {
  return new UsageError(`${message}\n\n${USAGE}`);
}
