// SPDX-License-Identifier: Apache-2.0

import type { DesiredDataplane, DesiredService, Endpoint, NodeAddresses } from "../translate/desired.ts";
import { formatEndpoint } from "./address.ts";
import { IdPool } from "./id_pool.ts";
import type { KernelState } from "./kernel.ts";
import type { Capacity } from "./limits.ts";
import { ADDRESS_ANNOUNCE, ADDRESS_LOCAL, BACKEND_QUIESCENT, NODE_SELF } from "./layout.ts";
import type { ProgrammedService } from "./measure.ts";
import { LARGEST_SIZE, maglevTable, tableSize } from "./maglev.ts";
import {
  type BackendValue,
  type Change,
  PROTOCOL_NUMBER,
  type ServiceKeyValue,
  serviceName,
  type ServiceValue,
} from "./operation.ts";
import { Phases } from "./phases.ts";
import type { Routes } from "./routes.ts";
import { serviceEndpoints, type ServiceTarget, serviceTargets } from "./targets.ts";
import { keepsFlows, sameWay, type Way, wayTo } from "./way.ts";

/** A service that the kernel does not serve as desired. */
export interface Unprogrammed {
  readonly service: DesiredService;
  /** A sentence without full stop that names the limit and the way out. */
  readonly reason: string;
}

/** What has to be done, in an order of which every prefix is consistent. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly unprogrammed: readonly Unprogrammed[];
  /** True when ids became free that an unprogrammed service may use: plan again once this is done. */
  readonly again: boolean;
  /** Addresses of other nodes that there was no room for. */
  readonly nodesLeftOut: number;
}

/** A service as the kernel will have it when the plans so far are done. */
interface Entry {
  readonly key: ServiceKeyValue;
  value: ServiceValue;
  /** By "address:port". */
  readonly backends: Map<string, { readonly id: number; value: BackendValue }>;
  /** What `value.table` was computed from; absent after a take-over, when only the table itself is known. */
  signature?: string;
  adoptedTable?: Uint32Array | undefined;
  /** Planned for this object and these routes: nothing to do while both are the same. */
  desired?: DesiredService;
  routesVersion?: number;
}

/**
 * Turns desired states into changes of the kernel's maps. It remembers what the kernel holds, beginning with
 * what was dumped, so an unchanged service costs a comparison. It assumes that every plan is carried out
 * wholly; when one was not, the owner throws the planner away and makes one from a new dump.
 *
 * Order: nodes, new backends, then tables that name them, then services that name those tables, then their
 * addresses; addresses that go, then services, then their tables, then the backends that no table names any
 * more. A table whose size stays is replaced in place, which the kernel does in one step.
 */
export class Planner {
  readonly #entries = new Map<string, Entry>();
  readonly #serviceIds: IdPool;
  readonly #backendIds: IdPool;
  readonly #tableIds: IdPool;
  readonly #capacity: Capacity;
  readonly #epoch: () => number;
  #strays: Change[];
  #nodes: ReadonlyMap<string, number>;
  /** This node's addresses as the services were planned with. */
  #own: readonly string[] = [];
  #addresses: ReadonlyMap<string, number>;

  /**
   * @param kernel what the maps hold now
   * @param epoch a number from 1 to 2³²−1 that differs from those given before, e.g. a random one
   */
  constructor(
    kernel: KernelState,
    capacity: Capacity,
    epoch: () => number,
  ) {
    this.#capacity = capacity;
    this.#epoch = epoch;
    this.#serviceIds = new IdPool(capacity.services);
    this.#backendIds = new IdPool(capacity.backends);
    this.#tableIds = new IdPool(capacity.tables);
    this.#addresses = kernel.addresses;
    this.#nodes = kernel.nodes;
    this.#strays = this.#adopt(kernel);
  }

  /** Takes over what the kernel holds; returns the changes that remove what belongs to no service. */
  #adopt(kernel: KernelState): Change[] {
    const byId = new Map<number, Entry>();
    for (const [name, { key, value }] of kernel.services) {
      const adoptedTable = value.slots > 0 ? kernel.tables.get(value.table) : undefined;
      const entry: Entry = { key, value, backends: new Map(), adoptedTable };
      this.#entries.set(name, entry);
      byId.set(value.id, entry);
      this.#serviceIds.claim(value.id);
      if (value.slots > 0) this.#tableIds.claim(value.table);
    }
    const strays: Change[] = [];
    const usedTables = new Set([...byId.values()].filter((e) => e.value.slots > 0).map((e) => e.value.table));
    for (const id of kernel.tables.keys()) {
      this.#tableIds.claim(id);
      if (!usedTables.has(id)) strays.push({ map: "tables", key: id, value: undefined });
    }
    for (const [id, value] of kernel.backends) {
      this.#backendIds.claim(id);
      const entry = byId.get(value.service);
      const name = formatEndpoint(value.address, value.port);
      if (entry === undefined || entry.backends.has(name)) {
        strays.push({ map: "backends", key: id, value: undefined });
      } else {
        entry.backends.set(name, { id, value });
      }
    }
    return strays;
  }

  /**
   * The changes that lead from what the kernel holds to what is desired.
   *
   * @param local the host's own addresses, which the kernel announces itself
   */
  plan(desired: DesiredDataplane, routes: Routes, local: ReadonlySet<string>): Plan {
    const phases = new Phases();
    const unprogrammed: Unprogrammed[] = [];
    const wanted = new Set<string>();
    const { moved, nodesLeftOut } = this.#planNodes(desired.nodes ?? NO_NODES, phases);
    for (const service of desired.services) {
      const key = {
        address: service.address,
        port: service.port,
        protocol: PROTOCOL_NUMBER[service.protocol],
      };
      const name = serviceName(key);
      if (wanted.has(name)) {
        unprogrammed.push({ service, reason: "Another service has the same address, port and protocol" });
        continue;
      }
      wanted.add(name);
      const entry = this.#entries.get(name);
      if (!moved && entry?.desired === service && entry.routesVersion === routes.version) continue;
      const reason = this.#planService(name, key, service, routes, phases);
      if (reason !== undefined) unprogrammed.push({ service, reason });
    }
    for (const [name, entry] of this.#entries) {
      if (!wanted.has(name)) this.#removeService(name, entry, phases);
    }
    this.#planAddresses(desired.announced, local, phases);
    this.#sweep(phases);
    const freed = phases.oldServices.length + phases.oldTables.length + phases.oldBackends.length;
    return { changes: phases.all(), unprogrammed, again: unprogrammed.length > 0 && freed > 0, nodesLeftOut };
  }

  /** Plans one service, or says why it stays as it is. */
  #planService(
    name: string,
    key: ServiceKeyValue,
    service: DesiredService,
    routes: Routes,
    phases: Phases,
  ): string | undefined {
    const entry = this.#entries.get(name);
    const endpoints = serviceEndpoints(service);
    const targets = serviceTargets(service);
    const slots = tableSize(targets.length);
    const missing = [...endpoints.keys()].filter((endpoint) => !entry?.backends.has(endpoint)).length;
    const newTable = slots > 0 && slots !== entry?.value.slots;
    const reason = this.#shortage(entry === undefined, missing, newTable, targets.length);
    if (reason !== undefined) return reason;

    const id = entry?.value.id ?? take(this.#serviceIds);
    if (entry === undefined) phases.serviceStats.push({ map: "service_stats", key: id, value: undefined });
    const next: Entry = entry ?? { key, value: { id, table: 0, slots: 0, affinity: 0 }, backends: new Map() };
    const chosen = new Set(targets.map((target) => target.name));
    const ways = new Map([...endpoints].map(([name, endpoint]) => {
      const way = wayTo(endpoint, routes, this.#own, service.remoteBackends);
      return [name, chosen.has(name) ? way : { ...way, flags: way.flags | BACKEND_QUIESCENT }];
    }));
    this.#planBackends(next, endpoints, ways, phases);
    const table = slots === 0 ? 0 : newTable ? take(this.#tableIds) : next.value.table;
    if (slots > 0) planTable(next, table, targets, phases);
    const value = { id, table, slots, affinity: service.affinitySeconds };
    if (entry === undefined || !sameService(value, entry.value)) {
      phases.services.push({ map: "services", key, value });
    }
    if (next.value.slots > 0 && next.value.table !== table) {
      phases.oldTables.push({ map: "tables", key: next.value.table, value: undefined });
    }
    if (slots === 0) delete next.signature;
    next.value = value;
    next.desired = service;
    next.routesVersion = routes.version;
    this.#entries.set(name, next);
    return undefined;
  }

  /** Services that are programmed as they were desired last, with the ids of their counters. */
  programmed(): ProgrammedService[] {
    return [...this.#entries.values()].flatMap(({ desired, value, backends }) =>
      desired === undefined ? [] : [{
        service: desired,
        id: value.id,
        backends: [...backends].map(([name, { id }]) => ({ name, id })),
      }]
    );
  }

  #shortage(newService: boolean, backends: number, newTable: boolean, targets: number): string | undefined {
    const { services, backends: most, tables } = this.#capacity;
    if (newService && this.#serviceIds.free === 0) {
      return `All ${services} services are in use, raise --services`;
    }
    if (backends > this.#backendIds.free) {
      return `It needs ${backends} more of ${most} backends and ${this.#backendIds.free} are free, raise --backends`;
    }
    if (newTable && this.#tableIds.free === 0) {
      return `All ${tables} tables are in use, raise --services`;
    }
    if (targets > LARGEST_SIZE) return `It has ${targets} targets, a table holds ${LARGEST_SIZE}`;
    return undefined;
  }

  #planBackends(
    entry: Entry,
    endpoints: ReadonlyMap<string, Endpoint>,
    ways: ReadonlyMap<string, Way>,
    phases: Phases,
  ): void {
    for (const [name, endpoint] of endpoints) {
      const known = entry.backends.get(name);
      const way = ways.get(name) as Way;
      if (known === undefined) {
        const id = take(this.#backendIds);
        const value = newBackend(entry.value.id, endpoint, way, this.#epoch());
        phases.backendStats.push({ map: "backend_stats", key: id, value: undefined });
        phases.backends.push({ map: "backends", key: id, value });
        entry.backends.set(name, { id, value });
      } else if (!sameWay(known.value, way)) {
        const epoch = keepsFlows(known.value, way) ? known.value.epoch : this.#epoch();
        known.value = { ...known.value, ...way, epoch };
        phases.backends.push({ map: "backends", key: known.id, value: known.value });
      }
    }
    for (const [name, { id }] of entry.backends) {
      if (endpoints.has(name)) continue;
      phases.oldBackends.push({ map: "backends", key: id, value: undefined });
      entry.backends.delete(name);
    }
  }

  #removeService(name: string, entry: Entry, phases: Phases): void {
    phases.oldServices.push({ map: "services", key: entry.key, value: undefined });
    if (entry.value.slots > 0) {
      phases.oldTables.push({ map: "tables", key: entry.value.table, value: undefined });
    }
    for (const { id } of entry.backends.values()) {
      phases.oldBackends.push({ map: "backends", key: id, value: undefined });
    }
    this.#entries.delete(name);
    this.#serviceIds.release(entry.value.id);
  }

  /**
   * Whose packets are taken out of tunnels. Tells whether this node's own addresses are others than before. What goes
   * makes room first.
   */
  #planNodes({ own, others }: NodeAddresses, phases: Phases): { moved: boolean; nodesLeftOut: number } {
    const { nodes: most = Infinity } = this.#capacity;
    const all = new Map([
      ...own.map((address) => [address, NODE_SELF] as const),
      ...others.filter((address) => !own.includes(address)).map((address) => [address, 0] as const),
    ]);
    const wanted = new Map([...all].slice(0, most));
    for (const key of this.#nodes.keys()) {
      if (!wanted.has(key)) phases.nodes.push({ map: "nodes", key, value: undefined });
    }
    for (const [key, value] of wanted) {
      if (this.#nodes.get(key) !== value) phases.nodes.push({ map: "nodes", key, value });
    }
    this.#nodes = wanted;
    const moved = own.join() !== this.#own.join();
    this.#own = own;
    return { moved, nodesLeftOut: all.size - wanted.size };
  }

  /** Whether a service has an address of the host's own. */
  get takesOwn(): boolean {
    return this.#addresses.values().some((flags) => (flags & ADDRESS_LOCAL) !== 0);
  }

  /** An address is taken from the first service on it until the last one goes. */
  #planAddresses(
    announced: DesiredDataplane["announced"],
    local: ReadonlySet<string>,
    phases: Phases,
  ): void {
    const own = new Set(announced === "unchanged" ? [] : announced);
    const announce = (address: string): number => {
      if (announced === "unchanged") return (this.#addresses.get(address) ?? 0) & ADDRESS_ANNOUNCE;
      return announced === undefined || own.has(address) ? ADDRESS_ANNOUNCE : 0;
    };
    const addresses = new Set([...this.#entries.values()].map((entry) => entry.key.address));
    const wanted = new Map([...addresses].map((address) => [
      address,
      local.has(address) ? ADDRESS_LOCAL : announce(address),
    ]));
    for (const [key, value] of wanted) {
      if (this.#addresses.get(key) !== value) phases.addresses.push({ map: "addresses", key, value });
    }
    for (const key of this.#addresses.keys()) {
      if (!wanted.has(key)) phases.addresses.push({ map: "addresses", key, value: undefined });
    }
    this.#addresses = wanted;
  }

  /** Adds strays to what goes, and gives the ids of all that goes back for the next plan. */
  #sweep(phases: Phases): void {
    for (const stray of this.#strays) {
      (stray.map === "tables" ? phases.oldTables : phases.oldBackends).push(stray);
    }
    this.#strays = [];
    for (const change of phases.oldTables) if (change.map === "tables") this.#tableIds.release(change.key);
    for (const change of phases.oldBackends) {
      if (change.map === "backends") this.#backendIds.release(change.key);
    }
  }
}

function take(pool: IdPool): number {
  const id = pool.take();
  if (id === undefined) throw new RangeError("No id is free although there was one");
  return id;
}

const NO_NODES: NodeAddresses = { own: [], others: [] };

function newBackend(service: number, { address, port }: Endpoint, way: Way, epoch: number): BackendValue {
  return { address, port, ...way, epoch, service };
}

/** Puts the table of an entry unless the kernel has the same one at that id. */
function planTable(entry: Entry, id: number, targets: readonly ServiceTarget[], phases: Phases): void {
  const ids = targets.map((target) => entry.backends.get(target.name)?.id ?? 0);
  const signature = targets.map((target, i) => `${ids[i]}=${target.share}`).join();
  const sameId = id === entry.value.table && entry.value.slots > 0;
  if (sameId && entry.signature === signature) return;
  const table = (): Uint32Array => {
    const slots = maglevTable(targets);
    for (let slot = 0; slot < slots.length; slot++) slots[slot] = ids[slots[slot] as number] as number;
    return slots;
  };
  const { adoptedTable } = entry;
  entry.signature = signature;
  entry.adoptedTable = undefined;
  if (sameId && adoptedTable !== undefined && sameTable(adoptedTable, table())) return;
  phases.tables.push({ map: "tables", key: id, value: table });
}

function sameTable(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function sameService(a: ServiceValue, b: ServiceValue): boolean {
  return a.id === b.id && a.table === b.table && a.slots === b.slots && a.affinity === b.affinity;
}
