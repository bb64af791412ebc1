// SPDX-License-Identifier: Apache-2.0

// The kernel's maps as plain data, to which tests apply changes one at a time, and the question of what a
// packet would see there.

import { assert } from "@std/assert";
import type { KernelService, KernelState } from "./kernel.ts";
import { BACKEND_QUIESCENT } from "./layout.ts";
import { type BackendValue, type Change, type DeviceValue, isAlive, serviceName } from "./operation.ts";

/** The maps after some changes. */
export class KernelModel implements KernelState {
  readonly services = new Map<string, KernelService>();
  readonly backends = new Map<number, BackendValue>();
  readonly tables = new Map<number, Uint32Array>();
  readonly addresses = new Map<string, number>();
  readonly nodes = new Map<string, number>();
  readonly devices = new Map<number, DeviceValue>();
  /** Ids whose counters were zeroed since they were last used. */
  readonly clean = { service_stats: new Set<number>(), backend_stats: new Set<number>() };

  /** Does one change as the loader would. */
  apply(change: Change): void {
    switch (change.map) {
      case "services": {
        const name = serviceName(change.key);
        if (change.value === undefined) this.services.delete(name);
        else this.services.set(name, { key: change.key, value: change.value });
        break;
      }
      case "service_stats":
      case "backend_stats":
        this.clean[change.map].add(change.key);
        break;
      case "backends":
        set(this.backends, change.key, change.value);
        break;
      case "tables":
        set(this.tables, change.key, change.value?.());
        break;
      case "addresses":
        set(this.addresses, change.key, change.value);
        break;
      case "nodes":
        set(this.nodes, change.key, change.value);
        break;
      case "devices":
        set(this.devices, change.key, change.value);
    }
  }

  /** Throws unless every service can be served: its table is there, whole, and of backends that are its own and alive. */
  assertConsistent(): void {
    const [ids, tables] = [new Set<number>(), new Set<number>()];
    for (const [name, { value }] of this.services) {
      assert(!ids.has(value.id), `${name} shares the id ${value.id}`);
      ids.add(value.id);
      assert(value.id > 0, `${name} has id 0`);
      if (value.slots === 0) continue;
      assert(!tables.has(value.table), `${name} shares the table ${value.table}`);
      tables.add(value.table);
      const table = this.tables.get(value.table);
      if (table === undefined) throw new Error(`${name} names the table ${value.table}, which is not there`);
      assert(table.length === value.slots, `${name} has ${value.slots} slots, its table ${table.length}`);
      for (const id of new Set(table)) {
        if (id === 0) continue;
        const backend = this.backends.get(id);
        if (backend === undefined) throw new Error(`${name} names backend ${id}, which is not there`);
        assert(isAlive(backend), `${name} names backend ${id}, which is not alive`);
        assert(backend.service === value.id, `${name} names backend ${id} of service ${backend.service}`);
        assert(backend.epoch > 0, `backend ${id} has epoch 0`);
      }
    }
  }

  /** Throws unless those backends take no new flows that no table names, once a plan is done. */
  assertQuiescence(): void {
    const services = [...this.services.values()].filter(({ value }) => value.slots > 0);
    const named = new Set(services.flatMap(({ value }) => [...new Set(this.tables.get(value.table))]));
    for (const [id, { flags }] of this.backends) {
      const quiescent = (flags & BACKEND_QUIESCENT) !== 0;
      assert(quiescent !== named.has(id), `backend ${id}: quiescent ${quiescent}, named ${named.has(id)}`);
    }
  }
}

function set<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
