// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { delay } from "@std/async/delay";

const PIECE = 64 * 1024;

/** Pieces that never repeat, so that lost, doubled or swapped data changes the hash. */
function piece(index: number, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (index + 1) * 2_654_435_761 >>> 0;
  for (let word = 0; word < words.length; word++) {
    // xorshift32 (Marsaglia 2003): fast, and good enough to tell pieces apart.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[word] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/**
 * Sends `bytes` bytes evenly over `seconds` seconds and returns their SHA-256
 * in hexadecimal. `progress` hears of every piece, in bytes sent so far. Once
 * `hurry` is aborted the rest follows at once.
 */
export async function sendBulk(
  connection: { write(data: Uint8Array): Promise<number> },
  bytes: number,
  seconds: number,
  progress: (sent: number) => void = () => {},
  hurry: AbortSignal = new AbortController().signal,
): Promise<string> {
  const hash = createHash("sha256");
  const began = performance.now();
  for (let sent = 0; sent < bytes;) {
    const data = piece(sent / PIECE, Math.min(PIECE, bytes - sent));
    hash.update(data);
    for (let written = 0; written < data.length;) {
      written += await connection.write(data.subarray(written));
    }
    sent += data.length;
    progress(sent);
    const ahead = seconds * 1000 * sent / bytes - (performance.now() - began);
    if (ahead > 0 && !hurry.aborted) await delay(ahead, { signal: hurry }).catch(() => {});
  }
  return hash.digest("hex");
}
