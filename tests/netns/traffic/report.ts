// SPDX-License-Identifier: Apache-2.0

import { type Answer, splitHostPort } from "./answer.ts";

/** What became of many flows. */
export interface FlowReport {
  /** Flows that were begun. */
  readonly flows: number;
  /** Flows whose every message was answered. */
  readonly answered: number;
  /** Flows by the backend that answered first. */
  readonly backends: Readonly<Record<string, number>>;
  /** Client addresses, without ports, that each backend saw. */
  readonly clients: Readonly<Record<string, readonly string[]>>;
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
  /** In the order of the messages. */
  readonly answers: readonly Answer[];
  /** The flow's own "address:port". */
  readonly local?: string;
  readonly sources: readonly string[];
  readonly failure?: string;
  /** Milliseconds until the connection stood or failed; 0 for UDP. */
  readonly connect: number;
  /** Milliseconds until the slowest answer. */
  readonly slowest: number;
}

/** Adds up what became of each flow. */
export function summarize(outcomes: readonly FlowOutcome[]): FlowReport {
  const failures = outcomes.flatMap(({ failure }) => failure ?? []);
  return {
    flows: outcomes.length,
    answered: outcomes.length - failures.length,
    backends: count(outcomes.flatMap(({ answers }) => answers.slice(0, 1).map(({ backend }) => backend))),
    clients: clientsByBackend(outcomes.flatMap(({ answers }) => answers)),
    disguised: outcomes.filter(({ answers, local }) => answers.some(({ client }) => client !== local)).length,
    moved: outcomes.filter(({ answers }) => new Set(answers.map(({ backend }) => backend)).size > 1).length,
    sources: unique(outcomes.flatMap(({ sources }) => sources)),
    failures: count(failures),
    slowestConnect: longest(outcomes.map(({ connect }) => connect)),
    slowestAnswer: longest(outcomes.map(({ slowest }) => slowest)),
  };
}

function clientsByBackend(answers: readonly Answer[]): Record<string, string[]> {
  const clients: Record<string, string[]> = {};
  for (const { backend, client } of answers.toSorted((a, b) => a.backend < b.backend ? -1 : 1)) {
    clients[backend] = unique([...(clients[backend] ?? []), splitHostPort(client).address]);
  }
  return clients;
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
