// SPDX-License-Identifier: Apache-2.0

import { type BtfMember, resolveType, sizeOf, typeName } from "./btf.ts";
import { type FieldKind, FIELDS, StructCodec, TABLE_ELEMENT_SIZE } from "./codec.ts";
import { MAP_TYPE, type MapDefinition, type ObjectFile } from "./object.ts";

/**
 * The structs that this control plane writes or reads, with the fields it knows. The truth is
 * ebpf/src/layout.rs; offsets come from the BTF of the object, never from here.
 */
export const STRUCTS = {
  ServiceKey: { address: "address", port: "be16", protocol: "u8" },
  Service: { id: "u32", table: "u32", slots: "u32", affinity: "u32" },
  Backend: {
    address: "address",
    gateway: "address",
    source: "address",
    ifindex: "u32",
    epoch: "u32",
    service: "u32",
    port: "be16",
    flags: "u16",
  },
  Device: { flags: "u32", mac: "mac", master: "u32" },
  AddressInfo: { flags: "u32" },
  Node: { flags: "u32", mtu: "u32", seen: "u32" },
  Stats: {
    rx_packets: "u64",
    rx_bytes: "u64",
    tx_packets: "u64",
    tx_bytes: "u64",
    flows: "u64",
    refused: "u64",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, FieldKind>>>>;

type StructName = keyof typeof STRUCTS;

/** A map as it has to be: bpf_map_type, key and value (a struct's name, or what a plain value carries). */
interface ExpectedMap {
  readonly type: number;
  readonly key: StructName | FieldKind;
  readonly value: StructName | FieldKind | "Drops" | "slots";
}

/** The maps that this control plane writes or reads. */
export const MAPS = {
  services: { type: MAP_TYPE.HASH, key: "ServiceKey", value: "Service" },
  tables: { type: MAP_TYPE.ARRAY_OF_MAPS, key: "u32", value: "slots" },
  backends: { type: MAP_TYPE.ARRAY, key: "u32", value: "Backend" },
  addresses: { type: MAP_TYPE.HASH, key: "address", value: "AddressInfo" },
  nodes: { type: MAP_TYPE.HASH, key: "address", value: "Node" },
  devices: { type: MAP_TYPE.HASH, key: "u32", value: "Device" },
  service_stats: { type: MAP_TYPE.PERCPU_ARRAY, key: "u32", value: "Stats" },
  backend_stats: { type: MAP_TYPE.PERCPU_ARRAY, key: "u32", value: "Stats" },
  drops: { type: MAP_TYPE.PERCPU_ARRAY, key: "u32", value: "Drops" },
} as const satisfies Readonly<Record<string, ExpectedMap>>;

/** Name of a map that this control plane knows. */
export type MapName = keyof typeof MAPS;

/** Program at TCX ingress: all that happens to packets. */
export const INGRESS_PROGRAM = "ingress";
/** Program at TCX egress: lets in to the other what the host itself sends. */
export const EGRESS_PROGRAM = "egress";

/** Program that sends the frame it is run on. */
export const EMIT_PROGRAM = "emit";

/** `Backend::flags`: the entry is in use. */
export const BACKEND_ALIVE = 1;
/** `Backend::flags`: the way leads to its node, on-link, whose own Blixt delivers; the packet stays as the client sent it. */
export const BACKEND_REMOTE = 2;
/** `Backend::flags`, beside BACKEND_REMOTE: routers are on the way to the node, so the packet travels inside another. */
export const BACKEND_TUNNEL = 4;
/** `Backend::flags`: its address is the host's own. */
export const BACKEND_LOCAL = 8;
/** `Backend::flags`: takes no new flows, those it has go on; it has no slot of the table. */
export const BACKEND_QUIESCENT = 16;
/** `Backend::flags`: on another node; `source` takes the client's place in what goes there, so that replies come back here. */
export const BACKEND_SNAT = 32;
/** `Node::flags`: an address of this node; without it, another node's. */
export const NODE_SELF = 1;
/** `Flow::state`: both sides have spoken. */
export const STATE_ESTABLISHED = 1;
/** `Flow::state`: a RST or both FINs were seen; the entry counts no more. */
export const STATE_CLOSED = 4;
/** `Device::flags`: a veth whose other end is in another network namespace. */
export const DEVICE_PEER = 1;
/** `Device::flags`: faces clients. */
export const DEVICE_OUTWARD = 2;
/** `Device::flags`: a port of a bridge. */
export const DEVICE_BRIDGE_PORT = 4;
/** `AddressInfo::flags`: answer ARP and neighbour solicitations for it. */
export const ADDRESS_ANNOUNCE = 1;
/** `AddressInfo::flags`: the host has it too. */
export const ADDRESS_LOCAL = 2;

/** How the keys and values of an object's maps are written. */
export type Layout =
  & { readonly [Name in StructName]: StructCodec<typeof STRUCTS[Name]> }
  & {
    /** Reasons of `drops` in the order of the object. */
    readonly dropReasons: readonly string[];
    readonly Drops: StructCodec<Readonly<Record<string, "u64">>>;
    readonly flows: Readonly<Record<"flows4" | "flows6", FlowPlaces>>;
  };

/** Where in an entry of a flow table stands what this control plane reads of it: offsets in bytes. */
export interface FlowPlaces {
  /** In the key. */
  readonly protocol: number;
  readonly state: number;
  readonly used: number;
}

/** The object does not have the maps or structs that this control plane was built for. */
export class LayoutError extends Error {
  override readonly name = "LayoutError";
}

/**
 * Compares an object with what this control plane knows and returns the codecs of its structs. Throws a
 * LayoutError that names map or struct, field and both values at the first difference.
 */
export function checkLayout(object: ObjectFile): Layout {
  for (const [name, expected] of Object.entries(MAPS)) checkMap(object, name, expected);
  for (const name of [INGRESS_PROGRAM, EGRESS_PROGRAM, EMIT_PROGRAM]) {
    if (object.programs.some((program) => program.name === name && program.type === "sched_cls")) continue;
    throw new LayoutError(`The object has no program ${name} of type sched_cls`);
  }
  const codec = <Name extends StructName>(name: Name): StructCodec<typeof STRUCTS[Name]> =>
    new StructCodec(STRUCTS[name], ...checkStruct(object, name, STRUCTS[name]));
  const dropReasons = structOf(object, "Drops").members.map((member) => member.name);
  const drops = Object.fromEntries(dropReasons.map((reason) => [reason, "u64"] as const));
  return {
    ServiceKey: codec("ServiceKey"),
    Service: codec("Service"),
    Backend: codec("Backend"),
    Device: codec("Device"),
    AddressInfo: codec("AddressInfo"),
    Node: codec("Node"),
    Stats: codec("Stats"),
    Drops: new StructCodec(drops, ...checkStruct(object, "Drops", drops)),
    dropReasons,
    flows: { flows4: flowPlaces(object, "flows4"), flows6: flowPlaces(object, "flows6") },
  };
}

function flowPlaces(object: ObjectFile, name: string): FlowPlaces {
  const map = object.maps.get(name);
  if (map === undefined) throw new LayoutError(`The object has no map ${name}`);
  const offset = (type: number | undefined, field: string, size: number): number => {
    const struct = type === undefined ? undefined : resolveType(object.btf, type);
    const member = struct?.kind === "struct" ? struct.members.find((each) => each.name === field) : undefined;
    if (member !== undefined && sizeOf(object.btf, member.type) === size) return member.offset;
    throw new LayoutError(`Map ${name} has no field ${field} of ${size} bytes in the object`);
  };
  return {
    protocol: offset(map.keyType, "protocol", 4),
    state: offset(map.valueType, "state", 1),
    used: offset(map.valueType, "used", 4),
  };
}

function checkMap(object: ObjectFile, name: string, expected: ExpectedMap): void {
  const map = object.maps.get(name);
  if (map === undefined) throw new LayoutError(`The object has no map ${name}`);
  if (map.type !== expected.type) {
    throw new LayoutError(
      `Map ${name} has type ${map.type} in the object and ${expected.type} in this control plane`,
    );
  }
  for (const side of ["key", "value"] as const) {
    const id = side === "key" ? map.keyType : map.valueType;
    const found = id === undefined ? "no BTF type" : typeName(object.btf, id);
    const plain = plainSize(expected[side]);
    const wanted = plain === undefined ? `struct ${expected[side]}` : `${expected[side]} of ${plain} bytes`;
    if (plain === undefined ? found !== wanted : id === undefined || sizeOf(object.btf, id) !== plain) {
      throw new LayoutError(
        `Map ${name} has ${found} as ${side} in the object and ${wanted} in this control plane`,
      );
    }
  }
}

/** Bytes of a key or value that is no struct. */
function plainSize(name: string): number | undefined {
  return name === "slots" ? TABLE_ELEMENT_SIZE : name in FIELDS ? FIELDS[name as FieldKind].size : undefined;
}

interface FoundStruct {
  readonly size: number;
  readonly members: readonly BtfMember[];
}

/** The struct as the maps use it, so that another type of the same name cannot be mistaken for it. */
function structOf(object: ObjectFile, name: string): FoundStruct {
  for (const [mapName, expected] of Object.entries(MAPS)) {
    const map = object.maps.get(mapName) as MapDefinition;
    const id = expected.key === name ? map.keyType : expected.value === name ? map.valueType : undefined;
    const type = id === undefined ? undefined : resolveType(object.btf, id);
    if (type?.kind === "struct") return type;
  }
  throw new LayoutError(`No map of the object uses struct ${name}`);
}

/** Fields that carry nothing: they are written as zeros. */
const PADDING = /^(pad|reserved)\d*$/;

function checkStruct(
  object: ObjectFile,
  name: string,
  fields: Readonly<Record<string, FieldKind>>,
): [number, ReadonlyMap<string, number>] {
  const struct = structOf(object, name);
  const offsets = new Map<string, number>();
  for (const [field, kind] of Object.entries(fields)) {
    const member = struct.members.find((candidate) => candidate.name === field);
    if (member === undefined) {
      throw new LayoutError(
        `Struct ${name} has no field ${field} in the object, this control plane writes ${kind}`,
      );
    }
    const size = sizeOf(object.btf, member.type);
    if (size !== FIELDS[kind].size) {
      throw new LayoutError(
        `Field ${field} of struct ${name} is ${
          typeName(object.btf, member.type)
        } with ${size} bytes in the object ` +
          `and ${kind} with ${FIELDS[kind].size} bytes in this control plane`,
      );
    }
    offsets.set(field, member.offset);
  }
  const unknown = struct.members.find((member) => !(member.name in fields) && !PADDING.test(member.name));
  if (unknown !== undefined) {
    throw new LayoutError(
      `Struct ${name} has the field ${unknown.name} in the object, which this control plane does not know`,
    );
  }
  return [struct.size, offsets];
}
