// SPDX-License-Identifier: Apache-2.0

const UNITS = ["kB", "MB", "GB", "TB", "PB"] as const;

/** "999 B", "1.5 kB": decimal units. */
export function formatBytes(bytes: bigint): string {
  if (bytes < 1_000n) return `${bytes} B`;
  let value = Number(bytes) / 1_000;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}

/** "1,000,000". */
export function formatNumber(number: number): string {
  return number.toLocaleString("en-US");
}
