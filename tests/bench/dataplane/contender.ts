// SPDX-License-Identifier: Apache-2.0

import type { Requirement } from "../../../controlplane/tasks/requirement.ts";
import type { Netns } from "../../netns/netns.ts";
import type { Topology } from "../../netns/topology.ts";
import type { Service } from "./service.ts";

/** Where a contender does its work, and what must go away with it. */
export interface Site {
  readonly topology: Topology;
  /** All services, of which the measured ones are but three. */
  readonly services: readonly Service[];
  /** An empty folder for configuration. */
  readonly folder: string;
  /** Takes what must be disposed before the network namespaces are. */
  readonly stack: AsyncDisposableStack;
  /** Starts a program on the host that goes on until the end. Its last words are shown where traffic does not pass. */
  run(argv: readonly string[]): void;
}

/** One way from the client to the backends. */
export interface Contender {
  /** One word, as --only takes it. */
  readonly name: string;
  /** What the table and the picture call it. */
  readonly title: string;
  /** What the machine must have for it. */
  readonly requirements: readonly Requirement[];
  /** True where every request may reach another backend; without it clients send straight to the first one. */
  readonly balances: boolean;
  /** Why it cannot take UDP; absent where it can. */
  readonly noUdp?: string;
  /** Where the clients run; the topology's client by default. */
  readonly client?: (topology: Topology) => Netns;
  /** Brings it to work. It need not wait until traffic passes. */
  start(site: Site): Promise<void>;
}
