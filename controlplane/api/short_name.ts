// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";

/** Hexadecimal digits of the hash in a name that was cut: 40 bits, so that nobody meets two names with the same. */
const DIGITS = 10;

/** The first digits of a text's SHA-256. */
export function nameHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, DIGITS);
}

/** The text itself if it has at most so many characters; else its beginning and a hash of the whole. */
export function shortName(text: string, most: number): string {
  if (text.length <= most) return text;
  const beginning = text.slice(0, most - DIGITS - 1).replace(/[^A-Za-z0-9]+$/, "");
  return `${beginning}-${nameHash(text)}`;
}
