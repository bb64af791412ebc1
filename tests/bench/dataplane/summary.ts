// SPDX-License-Identifier: Apache-2.0

import type { Reading } from "./measure.ts";
import { METRICS } from "./metric.ts";
import { type Spread, spreadOf } from "./spread.ts";

/** What one measurement found in one round. */
export interface Sample {
  readonly contender: string;
  readonly services: number;
  readonly round: number;
  readonly reading: Reading;
}

/** A figure of the table. */
export interface Figure extends Spread {
  readonly contender: string;
  readonly services: number;
  readonly metric: string;
  /**
   * Against the baseline, round by round, so that a machine whose speed drifts harms it less than the figures
   * themselves. Above 1 is better than the baseline, whether more or less is better.
   */
  readonly times?: Spread;
}

/** One figure for each contender, number of services and metric that was measured. */
export function summarize(samples: readonly Sample[], baseline: string): Figure[] {
  const values = new Map<string, Map<number, number>>();
  const keyOf = (contender: string, services: number, metric: string): string =>
    JSON.stringify([contender, services, metric]);
  for (const { contender, services, round, reading } of samples) {
    for (const [metric, value] of Object.entries(reading)) {
      const key = keyOf(contender, services, metric);
      if (!values.has(key)) values.set(key, new Map());
      values.get(key)!.set(round, value);
    }
  }
  return [...values].map(([key, rounds]) => {
    const [contender, services, metric] = JSON.parse(key) as [string, number, string];
    const base = values.get(keyOf(baseline, services, metric));
    const ratios = [...rounds].flatMap(([round, value]) => {
      const other = base?.get(round);
      return other === undefined ? [] : [isMoreBetter(metric) ? value / other : other / value];
    });
    return {
      contender,
      services,
      metric,
      ...spreadOf([...rounds.values()]),
      ...(ratios.length > 0 && { times: spreadOf(ratios) }),
    };
  });
}

function isMoreBetter(name: string): boolean {
  return METRICS.find((metric) => metric.name === name)?.better === "more";
}
