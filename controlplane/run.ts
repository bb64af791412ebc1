// SPDX-License-Identifier: Apache-2.0

// The control plane's loop. It observes the store and changes the dataplane
// and the statuses: whenever something may have changed it translates the
// whole snapshot and hands both halves of the answer on.

import { type Clock, monotonicClock } from "./clock.ts";
import type { Snapshot } from "./api/snapshot.ts";
import type { Unprogrammed } from "./dataplane/planner.ts";
import { equal } from "./equal.ts";
import type { Meter } from "./meter.ts";
import type { Output } from "./output.ts";
import { pendingStatuses } from "./status/pending.ts";
import { withShortages } from "./status/shortage.ts";
import type { StatusWriter } from "./status/status_writer.ts";
import type { Store } from "./store/store.ts";
import { summarise, summariseChange } from "./summary.ts";
import type { DesiredDataplane } from "./translate/desired.ts";
import type { Translation } from "./translate/translation.ts";

/** What the loop needs of the dataplane. */
export interface DataplaneWriter {
  /** The latest wins. */
  set(desired: DesiredDataplane): void;
  /** Resolves once that state, or a newer one, is in the kernel. */
  programmed(desired: DesiredDataplane, signal?: AbortSignal): Promise<void>;
  /** What of the state that is in the kernel there was no room for; the store is notified when that changes. */
  readonly unprogrammed?: readonly Unprogrammed[];
}

/** Milliseconds that the kernel may take for the first state before statuses say that it is pending. */
const GRACE = 10_000;

/** The parts that the loop joins. */
export interface LoopOptions {
  readonly store: Store;
  readonly translate: (snapshot: Snapshot) => Translation;
  readonly dataplane: DataplaneWriter;
  readonly status: StatusWriter;
  readonly output: Output;
  /** Told once, when everything that was read is in the kernel for the first time. */
  readonly onReady?: () => void;
  readonly meter?: Meter;
  readonly clock?: Clock;
}

/** Runs until the signal. Before every kind was read once, nothing is translated, so nothing is torn down for lack of news. */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { store, translate, dataplane, status, output, onReady, meter, clock = monotonicClock } = options;
  let isReady = false;
  let isLate = false;
  let latest: Translation | undefined;
  let applied: DesiredDataplane | undefined;

  const announce = async (translation: Translation): Promise<void> => {
    const begun = performance.now();
    await dataplane.programmed(translation.dataplane, signal);
    meter?.programmed((performance.now() - begun) / 1_000);
    // A newer translation may only say more of statuses: then this dataplane is still the latest, and this the news of it.
    if (signal.aborted || translation.dataplane !== latest?.dataplane) return;
    if (applied === translation.dataplane) return;
    if (!isReady) {
      isReady = true;
      onReady?.();
      tell();
      output.say({ type: "ready", text: summarise(translation) });
    } else if (applied !== undefined) {
      output.say({ type: "applied", text: summariseChange(applied, translation.dataplane) });
    }
    applied = translation.dataplane;
  };

  /** After a restart the kernel takes the state at once, and no status flickers; when it does not, users hear why. */
  const tell = (): void => {
    if (latest === undefined) return;
    const { statuses, notices, loadBalancers } = withShortages(latest, dataplane.unprogrammed ?? []);
    if (isReady) status.set(statuses, notices, loadBalancers);
    else if (isLate) status.set(pendingStatuses(statuses), notices, loadBalancers);
  };

  try {
    await store.synced(signal);
    clock.sleep(GRACE, signal).then(() => {
      isLate = true;
      if (!isReady) tell();
    }, () => {});
    for (;;) {
      const begun = performance.now();
      const next = translate(store.snapshot());
      meter?.translated((performance.now() - begun) / 1_000);
      const changed = latest === undefined || !sameDataplane(latest.dataplane, next.dataplane);
      // An equal dataplane stays the same object: it is the one that the writer was given.
      const translation = changed || latest === undefined ? next : { ...next, dataplane: latest.dataplane };
      latest = translation;
      if (changed) dataplane.set(translation.dataplane);
      tell();
      if (changed || !isReady) {
        announce(translation).catch((error) => reportUnlessAborted(error, signal, output));
      }
      await store.changed(signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function sameDataplane(a: DesiredDataplane, b: DesiredDataplane): boolean {
  return a === b || equal(a, b);
}

function reportUnlessAborted(error: unknown, signal: AbortSignal, output: Output): void {
  if (!signal.aborted) output.say({ type: "error", text: (error as Error).message });
}
