// SPDX-License-Identifier: Apache-2.0

/** The first dotted number in what a program says of itself. */
export function parseVersion(output: string): string | undefined {
  return /\d+(?:\.\d+)+/.exec(output)?.[0];
}

/** True when a dotted version is the wanted one or newer; absent parts count as 0. */
export function atLeast(version: string, wanted: string): boolean {
  const left = version.split(".").map(Number);
  const right = wanted.split(".").map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
