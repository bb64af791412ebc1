// SPDX-License-Identifier: Apache-2.0

import type { Snapshot } from "../api/snapshot.ts";
import type { TranslateOptions } from "./options.ts";
import type { Translation } from "./translation.ts";
import { Translator } from "./translator.ts";

export type { TranslateOptions } from "./options.ts";

/**
 * Translates all objects into the statuses to write and the dataplane to program.
 * It has no clock and does no I/O: the same snapshot always gives the same answer,
 * whatever the order of its objects. For one snapshot after another a Translator
 * gives the same answers with less work.
 */
export function translate(snapshot: Snapshot, options: TranslateOptions = {}): Translation {
  return new Translator(options).translate(snapshot);
}
