// SPDX-License-Identifier: Apache-2.0

import type { Operation } from "../loader/messages.ts";
import { parseAddress } from "./address.ts";
import { BACKEND_ALIVE, type Layout, type STRUCTS } from "./layout.ts";
import { encodeTable, encodeU32, type StructValue } from "./codec.ts";

/** IP protocol numbers of a service's protocol (IANA). */
export const PROTOCOL_NUMBER = { TCP: 6, UDP: 17 } as const;

/** Value of `services`. */
export type ServiceValue = StructValue<typeof STRUCTS.Service>;
/** Value of `backends`. */
export type BackendValue = StructValue<typeof STRUCTS.Backend>;
/** Value of `devices`. */
export type DeviceValue = StructValue<typeof STRUCTS.Device>;
/** Key of `services`. */
export type ServiceKeyValue = StructValue<typeof STRUCTS.ServiceKey>;

/**
 * One change of the kernel's maps; undefined takes the element away. A table is made when it is written: those of ten
 * thousand services take 160 MB together.
 */
export type Change =
  | { readonly map: "services"; readonly key: ServiceKeyValue; readonly value: ServiceValue | undefined }
  | { readonly map: "backends"; readonly key: number; readonly value: BackendValue | undefined }
  | { readonly map: "tables"; readonly key: number; readonly value: (() => Uint32Array) | undefined }
  | { readonly map: "addresses"; readonly key: string; readonly value: number | undefined }
  | { readonly map: "nodes"; readonly key: string; readonly value: number | undefined }
  | { readonly map: "devices"; readonly key: number; readonly value: DeviceValue | undefined }
  | { readonly map: "service_stats" | "backend_stats"; readonly key: number; readonly value: undefined };

/** "10.0.0.1:80/6": what tells services apart in memory. */
export function serviceName(key: ServiceKeyValue): string {
  return `${key.address}|${key.port}|${key.protocol}`;
}

/** True for a backend that is in use. */
export function isAlive(backend: Pick<BackendValue, "flags">): boolean {
  return (backend.flags & BACKEND_ALIVE) !== 0;
}

/** Writes a change in the bytes of the object's maps. */
export function encodeChange(layout: Layout, change: Change): Operation {
  const { map } = change;
  switch (map) {
    case "services": {
      const key = layout.ServiceKey.encode(change.key);
      return { map, ...putOrDelete(key, change.value && layout.Service.encode(change.value)) };
    }
    case "backends":
      return {
        map,
        ...putOrDelete(encodeU32(change.key), change.value && layout.Backend.encode(change.value)),
      };
    case "devices":
      return {
        map,
        ...putOrDelete(encodeU32(change.key), change.value && layout.Device.encode(change.value)),
      };
    case "addresses": {
      const value = change.value === undefined
        ? undefined
        : layout.AddressInfo.encode({ flags: change.value });
      return { map, ...putOrDelete(parseAddress(change.key), value) };
    }
    case "nodes": {
      const value = change.value === undefined
        ? undefined
        : layout.Node.encode({ flags: change.value, mtu: 0, seen: 0 });
      return { map, ...putOrDelete(parseAddress(change.key), value) };
    }
    case "tables":
      return change.value === undefined
        ? { map, delete: { key: encodeU32(change.key) } }
        : { map, putTable: { key: encodeU32(change.key), values: encodeTable(change.value()) } };
    case "service_stats":
    case "backend_stats":
      return { map, put: { key: encodeU32(change.key), value: new Uint8Array(layout.Stats.size) } };
  }
}

function putOrDelete(key: Uint8Array, value: Uint8Array | undefined): Pick<Operation, "put" | "delete"> {
  return value === undefined ? { delete: { key } } : { put: { key, value } };
}

/** Bytes that an operation takes in a message, nearly. */
export function operationSize(operation: Operation): number {
  const body = operation.put?.value ?? operation.putTable?.values;
  return 64 + (body?.length ?? 0);
}
