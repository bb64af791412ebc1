// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";

/**
 * Waits until a unix socket answers. Throws when the program behind it ends
 * first, or after `patience` milliseconds.
 */
export async function waitForSocket(
  path: string,
  ended: Promise<Deno.CommandStatus>,
  patience: number,
): Promise<void> {
  let end: Deno.CommandStatus | undefined;
  ended.then((status) => end = status);
  for (let waited = 0; waited < patience; waited += 25) {
    try {
      (await Deno.connect({ transport: "unix", path })).close();
      return;
    } catch {
      await delay(25);
    }
    if (end !== undefined) {
      throw new Error(`the loader ended with code ${end.code} before its socket ${path} answered`);
    }
  }
  throw new Error(`the loader's socket ${path} did not answer within ${patience} ms`);
}
