// SPDX-License-Identifier: Apache-2.0

import type { StatusWriter } from "./status/status_writer.ts";
import type { TranslateOptions } from "./translate/options.ts";

/** A source with the writer that brings statuses back to where the objects came from. */
export interface Ends {
  readonly status: StatusWriter;
  /** What the source knows and the translation has to be told. */
  readonly translateOptions: (signal: AbortSignal) => Promise<TranslateOptions>;
  /** Fills the store until the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}
