// SPDX-License-Identifier: Apache-2.0

/** What became of many flows. */
export interface FlowReport {
  /** Flows that were begun. */
  readonly flows: number;
  /** Flows whose every message was answered. */
  readonly answered: number;
  /** Flows by the backend that answered first. */
  readonly backends: Readonly<Record<string, number>>;
  /** Client addresses, without ports, that the backends saw. */
  readonly clients: readonly string[];
  /** Flows whose backend saw another client address or port than the client had. */
  readonly disguised: number;
  /** Flows with answers from more than one backend. */
  readonly moved: number;
  /** Addresses that answers came from, as "address:port". */
  readonly sources: readonly string[];
  /** Flows that failed, by the reason: ConnectionRefused, ConnectionReset, EndOfStream, TimedOut, … */
  readonly failures: Readonly<Record<string, number>>;
  /** Longest wait for a connection or its refusal, in milliseconds. */
  readonly slowestConnect: number;
  /** Longest wait for an answer, in milliseconds. */
  readonly slowestAnswer: number;
}

/** What became of one flow. */
export interface FlowOutcome {
  readonly backends: readonly string[];
  readonly clients: readonly string[];
  /** The flow's own "address:port". */
  readonly local?: string;
  readonly sources: readonly string[];
  readonly failure?: string;
  /** Milliseconds. */
  readonly connect: number;
  readonly answer: number;
}

/** Adds up what became of each flow. */
export function summarize(outcomes: readonly FlowOutcome[]): FlowReport {
  const first = outcomes.flatMap(({ backends }) => backends.slice(0, 1));
  const failures = outcomes.flatMap(({ failure }) => failure ?? []);
  return {
    flows: outcomes.length,
    answered: outcomes.length - failures.length,
    backends: count(first),
    clients: unique(outcomes.flatMap(({ clients }) => clients.map((client) => client.replace(/:\d+$/, "")))),
    disguised: outcomes.filter(({ clients, local }) => clients.some((client) => client !== local)).length,
    moved: outcomes.filter(({ backends }) => new Set(backends).size > 1).length,
    sources: unique(outcomes.flatMap(({ sources }) => sources)),
    failures: count(failures),
    slowestConnect: longest(outcomes.map(({ connect }) => connect)),
    slowestAnswer: longest(outcomes.map(({ answer }) => answer)),
  };
}

function count(names: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of names.toSorted()) result[name] = (result[name] ?? 0) + 1;
  return result;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

function longest(milliseconds: readonly number[]): number {
  return Math.round(milliseconds.reduce((longest, each) => Math.max(longest, each), 0));
}
