// SPDX-License-Identifier: Apache-2.0

import { formatBytes } from "../../controlplane/dataplane/format.ts";

/** One backend of one listener. */
export interface Row {
  /** "TCP 192.0.2.10:80" */
  readonly listener: string;
  /** "b1 10.244.0.11" */
  readonly backend: string;
  /** The backendRef's weight in the route; absent for a backend that no route leads to. */
  readonly weight?: number;
  /** Flows, packets and bytes of the IP packets, both directions. */
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  /** Client address that the backend saw; absent when it has seen none. */
  readonly client?: string;
}

const HEAD = ["LISTENER, BACKEND", "WEIGHT", "SHARE", "FLOWS", "PACKETS", "BYTES", "CLIENT SEEN"];
/** Columns that hold text; the others hold numbers and are aligned right. */
const TEXT = new Set([0, 6]);

/** The table as lines: each listener, and below it its backends with their shares of its flows. */
export function formatTable(rows: readonly Row[]): string[] {
  const cells = [...Map.groupBy(rows, ({ listener }) => listener)].flatMap(([listener, backends]) => {
    const total = backends.reduce((sum, { flows }) => sum + flows, 0);
    return [[listener], ...backends.map((row) => backendCells(row, total))];
  });
  // A listener stands alone in its line and may be wider than its column.
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row.length > 1 ? row[column]!.length : 0))
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => pad(cell, column, widths[column]!)).join("  ").trimEnd();
  return [HEAD, ...cells].map(line);
}

function backendCells({ backend, weight, flows, packets, bytes, client }: Row, total: number): string[] {
  return [
    `  ${backend}`,
    weight === undefined ? "-" : String(weight),
    total === 0 ? "-" : `${(100 * flows / total).toFixed(1)} %`,
    String(flows),
    String(packets),
    formatBytes(BigInt(bytes)),
    client ?? "",
  ];
}

function pad(cell: string, column: number, width: number): string {
  return TEXT.has(column) ? cell.padEnd(width) : cell.padStart(width);
}
