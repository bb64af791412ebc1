// SPDX-License-Identifier: Apache-2.0

import type { FlowReport } from "../netns/traffic/report.ts";

/** Share of flows by backend, each from 0 to 1. */
export type Shares = Readonly<Record<string, number>>;

/** Whether a backend's share is what it should be, and what it was, for people. */
export interface ShareVerdict {
  readonly holds: boolean;
  /** "b1 40.2 %, b2 39.1 %, b3 20.7 %" */
  readonly seen: string;
}

/**
 * Compares the shares of a report with those expected. The tolerance of 6
 * points is four standard deviations of 1,000 flows at 40 %; an expected share
 * of zero has no tolerance.
 */
export function judgeShares(report: FlowReport, expected: Shares, tolerance = 0.06): ShareVerdict {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(report.backends)])].sort();
  const total = Object.values(report.backends).reduce((sum, flows) => sum + flows, 0);
  const shareOf = (name: string): number => total === 0 ? 0 : (report.backends[name] ?? 0) / total;
  const holds = names.every((name) => {
    const wanted = expected[name] ?? 0;
    return Math.abs(shareOf(name) - wanted) <= (wanted === 0 ? 0 : tolerance);
  });
  const seen = names.map((name) => `${name} ${(100 * shareOf(name)).toFixed(1)} %`).join(", ");
  return { holds: holds && total > 0, seen };
}
