// SPDX-License-Identifier: Apache-2.0

import type { StatusWriter } from "./status/status_writer.ts";
import type { DesiredDataplane, DesiredService } from "./translate/desired.ts";
import type { TranslateOptions } from "./translate/options.ts";

/** A source with the writer that brings statuses back to where the objects came from. */
export interface Ends {
  readonly status: StatusWriter;
  /** What the source knows and the translation has to be told, asked for each time; the store is notified when it is another than before. */
  readonly translateOptions: (signal: AbortSignal) => Promise<() => TranslateOptions>;
  /** Fills the store until the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Absent where this control plane is the only one. */
  readonly peers?: Peers;
}

/** What a control plane has to know of those on other nodes. The store is notified when an answer is another than before. */
export interface Peers {
  /** Whether this control plane, and no other, assigns addresses and writes. */
  readonly leads: boolean;
  /** Names of the nodes that have Blixt, the same list until one comes or goes. */
  readonly equipped: readonly string[];
  /** What of these services' addresses this node announces. */
  announced(services: readonly DesiredService[]): NonNullable<DesiredDataplane["announced"]>;
  /** Everything is in the kernel: from now on this node can take addresses. */
  ready(): void;
  /** This node takes no more traffic. */
  leave(): Promise<void>;
}
