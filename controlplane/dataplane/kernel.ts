// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import type { Element } from "../loader/messages.ts";
import { formatAddress } from "./address.ts";
import { decodeTable, decodeU32 } from "./codec.ts";
import type { Layout, MapName } from "./layout.ts";
import {
  type BackendValue,
  type DeviceValue,
  isAlive,
  type ServiceKeyValue,
  serviceName,
  type ServiceValue,
} from "./operation.ts";

/** Name under which the loader keeps the object. */
export const OBJECT_NAME = "blixt";

/** Name of a version that is to take the place of OBJECT_NAME. */
export const NEXT_NAME = "blixt-next";

/** Tables in one message: a table has up to 262 kB. */
const TABLE_CHUNK = 16;

/** An element of `services`. */
export interface KernelService {
  readonly key: ServiceKeyValue;
  readonly value: ServiceValue;
}

/** What the kernel's maps hold. */
export interface KernelState {
  /** By serviceName(). */
  readonly services: ReadonlyMap<string, KernelService>;
  /** Those in use, by id. */
  readonly backends: ReadonlyMap<number, BackendValue>;
  /** By table id. */
  readonly tables: ReadonlyMap<number, Uint32Array>;
  /** Flags by address. */
  readonly addresses: ReadonlyMap<string, number>;
  /** Flags by address. */
  readonly nodes: ReadonlyMap<string, number>;
  /** By ifindex. */
  readonly devices: ReadonlyMap<number, DeviceValue>;
}

/** Elements of one of the object's maps. */
export function dumpMap(
  client: LoaderClient,
  map: MapName | "flows4" | "flows6",
  signal?: AbortSignal,
  name = OBJECT_NAME,
): AsyncGenerator<Element> {
  // Most of the 100,000 backends are free.
  const skipZeros = map === "backends";
  return client.dump({ name, map, chunk: map === "tables" ? TABLE_CHUNK : 0, skipZeros }, { signal });
}

/** Reads back everything the control plane has written. */
export async function readKernel(
  client: LoaderClient,
  layout: Layout,
  signal?: AbortSignal,
  name = OBJECT_NAME,
): Promise<KernelState> {
  const services = new Map<string, KernelService>();
  for await (const element of dumpMap(client, "services", signal, name)) {
    const key = layout.ServiceKey.decode(element.key);
    services.set(serviceName(key), { key, value: layout.Service.decode(element.value) });
  }
  const backends = new Map<number, BackendValue>();
  for await (const element of dumpMap(client, "backends", signal, name)) {
    if (!isAlive({ flags: layout.Backend.read(element.value, "flags") })) continue;
    backends.set(decodeU32(element.key), layout.Backend.decode(element.value));
  }
  const slots = new Map([...services.values()].map(({ value }) => [value.table, value.slots]));
  const tables = new Map<number, Uint32Array>();
  for await (const element of dumpMap(client, "tables", signal, name)) {
    const id = decodeU32(element.key);
    tables.set(id, decodeTable(element.value).slice(0, slots.get(id)));
  }
  const addresses = new Map<string, number>();
  for await (const element of dumpMap(client, "addresses", signal, name)) {
    addresses.set(formatAddress(element.key), layout.AddressInfo.decode(element.value).flags);
  }
  const nodes = new Map<string, number>();
  for await (const element of dumpMap(client, "nodes", signal, name)) {
    nodes.set(formatAddress(element.key), layout.Node.decode(element.value).flags);
  }
  const devices = new Map<number, DeviceValue>();
  for await (const element of dumpMap(client, "devices", signal, name)) {
    devices.set(decodeU32(element.key), layout.Device.decode(element.value));
  }
  return { services, backends, tables, addresses, nodes, devices };
}
