// SPDX-License-Identifier: Apache-2.0

import type { Family, L4 } from "../netns/addresses.ts";
import type { Blixt } from "../netns/blixt.ts";
import type { ManifestFolder } from "../netns/manifest_folder.ts";
import type { Topology } from "../netns/topology.ts";
import type { Checks } from "./checks.ts";
import type { Monitor } from "./monitor.ts";
import type { Screen } from "./screen.ts";

/** What every step works with. */
export interface DemoContext {
  readonly topology: Topology;
  /** The copy of the sample that Blixt reads. */
  readonly manifests: ManifestFolder;
  /** Replaced by the step that kills it. */
  blixt: Blixt;
  readonly checks: Checks;
  readonly monitor: Monitor;
  readonly screen: Screen;
}

/** One step of the demo. */
export interface Step {
  /** One line that says what is about to happen and why. */
  readonly title: string;
  readonly run: (context: DemoContext) => Promise<void>;
}

/** "TCP over IPv4", for people. */
export function label(protocol: L4, family: Family): string {
  return `${protocol.toUpperCase()} over ${family === "ipv4" ? "IPv4" : "IPv6"}`;
}
