// SPDX-License-Identifier: Apache-2.0

/** A median, and how far the values are apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The spread of values; of an even number of them the median is the middle between the two inner ones. Throws without any. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error("no value to take the median of");
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Three digits that count, as "38.1", "0.512" or "1240". */
export function threeDigits(value: number): string {
  const whole = Math.floor(Math.log10(Math.max(Math.abs(value), 0.001))) + 1;
  return value.toFixed(Math.max(0, 3 - Math.max(whole, 1)));
}

/** "38.1 ±2%": half of what lies between the least and the greatest, of the median. */
export function formatSpread({ median, min, max }: Spread): string {
  const percent = median === 0 ? 0 : Math.round((max - min) / 2 / median * 100);
  return `${threeDigits(median)} ±${percent}%`;
}
