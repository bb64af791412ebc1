// SPDX-License-Identifier: Apache-2.0

import type { DesiredDataplane } from "../translate/desired.ts";
import { routes } from "./fixtures.ts";
import type { Capacity } from "./limits.ts";
import { KernelModel } from "./model.ts";
import type { Change } from "./operation.ts";
import { type Plan, Planner } from "./planner.ts";
import type { Routes } from "./routes.ts";

/** Room for whatever a test plans. */
export const roomy: Capacity = { services: 100, backends: 1_000, tables: 200 };
/** Addresses of a host that has none of a Gateway's. */
export const nowhere: ReadonlySet<string> = new Set();

/** A planner with the kernel that it writes to. */
export class Bench {
  readonly kernel = new KernelModel();
  readonly #capacity: Capacity;
  #planner: Planner;
  #epoch = 0;

  constructor(capacity = roomy) {
    this.#capacity = capacity;
    this.#planner = this.#adopt();
  }

  #adopt(): Planner {
    return new Planner(this.kernel, this.#capacity, () => ++this.#epoch);
  }

  /** A new control plane takes the kernel over. */
  restart(): this {
    this.#planner = this.#adopt();
    return this;
  }

  get takesOwn(): boolean {
    return this.#planner.takesOwn;
  }

  plan(desired: DesiredDataplane, ways: Routes = routes(), local = nowhere): Plan {
    const plan = this.#planner.plan(desired, ways, local);
    for (const change of plan.changes) {
      this.kernel.apply(change);
      this.kernel.assertConsistent();
    }
    return plan;
  }

  /** The maps that a plan changes, runs counted once: "+map" for a put, "-map" for a delete. */
  phases(desired: DesiredDataplane, ways?: Routes): string[] {
    const names = this.plan(desired, ways).changes.map(shape);
    return names.filter((name, i) => name !== names[i - 1]);
  }

  /** Slots by endpoint address of the only service. */
  slots(): Record<string, number> {
    const [only] = this.kernel.services.values();
    const table = this.kernel.tables.get(only?.value.table ?? 0) ?? new Uint32Array();
    const result: Record<string, number> = {};
    for (const id of table) {
      const name = this.kernel.backends.get(id)?.address ?? "refuse";
      result[name] = (result[name] ?? 0) + 1;
    }
    return result;
  }

  /** Id and epoch by endpoint address. */
  backends(): Record<string, [number, number]> {
    return Object.fromEntries(
      [...this.kernel.backends].map(([id, { address, epoch }]) => [address, [id, epoch]]),
    );
  }
}

function shape({ map, value }: Change): string {
  return value === undefined && !map.endsWith("_stats") ? `-${map}` : `+${map}`;
}
