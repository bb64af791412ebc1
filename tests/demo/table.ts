// SPDX-License-Identifier: Apache-2.0

/** One backend of one listener. */
export interface Row {
  /** "TCP 192.0.2.10:80" */
  readonly listener: string;
  /** "b1 10.244.0.11:9000" */
  readonly backend: string;
  /** The backendRef's weight; absent for a backend that gets no new flow any more. */
  readonly weight?: number;
  /** Flows, packets and bytes since the step began; both directions. */
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  /** Client address that the backend saw last; absent when it has seen none. */
  readonly client?: string;
}

const HEAD = ["LISTENER", "BACKEND", "WEIGHT", "SHARE", "FLOWS", "PACKETS", "BYTES", "CLIENT SEEN"];
/** Columns that hold numbers are aligned right. */
const NUMERIC = new Set([2, 3, 4, 5, 6]);

/** The table as lines. A listener's name stands on its first row only. */
export function formatTable(rows: readonly Row[]): string[] {
  const totals = new Map<string, number>();
  for (const { listener, flows } of rows) totals.set(listener, (totals.get(listener) ?? 0) + flows);
  let previous = "";
  const cells = rows.map((row) => {
    const listener = row.listener === previous ? "" : row.listener;
    previous = row.listener;
    return [
      listener,
      row.backend,
      row.weight === undefined ? "-" : String(row.weight),
      formatShare(row.flows, totals.get(row.listener) ?? 0),
      String(row.flows),
      String(row.packets),
      formatBytes(row.bytes),
      row.client ?? "",
    ];
  });
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column]?.length ?? 0))
  );
  return [HEAD, ...cells].map((row) =>
    row.map((cell, column) => pad(cell, column, widths)).join("  ").trimEnd()
  );
}

function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return NUMERIC.has(column) ? cell.padStart(width) : cell.padEnd(width);
}

function formatShare(flows: number, total: number): string {
  return total === 0 ? "-" : `${(100 * flows / total).toFixed(1)} %`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes with three digits and a decimal unit. */
export function formatBytes(bytes: number): string {
  let value = bytes, unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toPrecision(value >= 100 ? 3 : 2)} ${UNITS[unit]}`;
}
