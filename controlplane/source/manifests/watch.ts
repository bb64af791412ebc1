// SPDX-License-Identifier: Apache-2.0

// Says when a folder may have changed.

import type { Clock } from "../../clock.ts";
import { Burst } from "../../store/burst.ts";

/** Milliseconds between looks without an event: what inotify does not see (network file systems, replaced links). */
const POLL = 1_000;

/** Milliseconds of quiet after an event, so that an editor is done writing. */
const QUIET = 30;

/** Yields after every burst of changes below a folder, and once a second in any case, until the signal. */
export async function* folderChanges(
  folder: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const burst = new Burst({ quiet: QUIET, longest: 300, clock });
  const watcher = watch(folder, () => burst.notify());
  const stop = (): void => watcher?.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    while (!signal.aborted) {
      const round = new AbortController();
      const either = AbortSignal.any([signal, round.signal]);
      try {
        await Promise.race([burst.next(either), clock.sleep(POLL, either)]);
      } catch (error) {
        if (!signal.aborted) throw error;
        return;
      } finally {
        round.abort();
      }
      yield;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** Watches with inotify; without it (no permission, no more watches) the poll alone has to do. */
function watch(folder: string, onEvent: () => void): { close(): void } | undefined {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(folder, { recursive: true });
  } catch {
    return undefined;
  }
  (async () => {
    for await (const event of watcher) if (event.kind !== "access") onEvent();
  })().catch(() => {});
  let closed = false;
  return {
    close(): void {
      if (!closed) watcher.close();
      closed = true;
    },
  };
}
