// SPDX-License-Identifier: Apache-2.0

import type { Change } from "./operation.ts";

/** Changes by the phase they belong to, done in this order. Each is of one map: the loader writes runs in one go. */
export class Phases {
  readonly nodes: Change[] = [];
  readonly serviceStats: Change[] = [];
  readonly backendStats: Change[] = [];
  readonly backends: Change[] = [];
  readonly tables: Change[] = [];
  readonly services: Change[] = [];
  readonly addresses: Change[] = [];
  readonly oldServices: Change[] = [];
  readonly oldTables: Change[] = [];
  readonly oldBackends: Change[] = [];

  all(): Change[] {
    return [
      ...this.nodes,
      ...this.serviceStats,
      ...this.backendStats,
      ...this.backends,
      ...this.tables,
      ...this.services,
      ...this.addresses,
      ...this.oldServices,
      ...this.oldTables,
      ...this.oldBackends,
    ];
  }
}
