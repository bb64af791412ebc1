// SPDX-License-Identifier: Apache-2.0

import { METRICS } from "./metric.ts";
import { formatSpread } from "./spread.ts";
import type { Figure } from "./summary.ts";

/** What a table's rows are called. */
export interface RowName {
  /** As the figures have it. */
  readonly name: string;
  readonly title: string;
}

/** Two tables as lines for one number of services: the figures, and how they compare with the baseline. */
export function formatFigures(
  figures: readonly Figure[],
  services: number,
  rows: readonly RowName[],
  baseline: RowName,
): string[] {
  const here = figures.filter((figure) => figure.services === services);
  const metrics = METRICS.filter(({ name }) => here.some(({ metric }) => metric === name));
  const cell = (row: RowName, metric: string): Figure | undefined =>
    here.find((figure) => figure.contender === row.name && figure.metric === metric);
  const figuresTable = [
    [
      `${services} service${services === 1 ? "" : "s"}`,
      ...metrics.map(({ title, unit }) => `${title} ${unit}`),
    ],
    ...rows.map((row) => [
      row.title,
      ...metrics.map(({ name }) => {
        const figure = cell(row, name);
        return figure === undefined ? "-" : formatSpread(figure);
      }),
    ]),
  ];
  const ratios = [
    [`against ${baseline.title}`, ...metrics.map(({ title }) => title)],
    ...rows.filter(({ name }) => name !== baseline.name).map((row) => [
      row.title,
      ...metrics.map(({ name }) => {
        const times = cell(row, name)?.times;
        return times === undefined
          ? "-"
          : `×${formatTimes(times.median)} ${formatTimes(times.min)}–${formatTimes(times.max)}`;
      }),
    ]),
  ];
  return [...align(figuresTable), "", ...align(ratios)];
}

const formatTimes = (times: number): string => times.toFixed(2);

/** The first column to the left, the others to the right. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))
      .join("  ").trimEnd()
  );
}
