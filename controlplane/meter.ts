// SPDX-License-Identifier: Apache-2.0

/** Told of what happens, to count and time it. */
export interface Meter {
  /** A writing request to the API server: its method, and the HTTP status of the answer, 0 for none. */
  apiWrite(method: string, status: number): void;
  /** A watch on that kind ended, for whatever reason, and begins again. */
  watchEnded(kind: string): void;
  /** A snapshot was translated in so many seconds. */
  translated(seconds: number): void;
  /** A state was in the kernel so many seconds after it was desired. */
  programmed(seconds: number): void;
  /** A session with the loader began. */
  connected(): void;
}

const ignore = (): void => {};

/** Where nobody asks. */
export const NO_METER: Meter = {
  apiWrite: ignore,
  watchEnded: ignore,
  translated: ignore,
  programmed: ignore,
  connected: ignore,
};
