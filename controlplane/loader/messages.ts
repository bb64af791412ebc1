// SPDX-License-Identifier: Apache-2.0

// The messages of proto/loader.proto as TypeScript sees them. The proto file is the contract and carries
// the meaning of every field; it is read at run time, so a name that differs here comes out as undefined,
// which the scenario suite would notice.

/** Where in the kernel a program hangs. */
export const HOOK = { UNSPECIFIED: 0, TCX_INGRESS: 1, TCX_EGRESS: 2, XDP_DRIVER: 3, XDP_GENERIC: 4 } as const;
/** A value of HOOK. */
export type Hook = typeof HOOK[keyof typeof HOOK];

/** Place among other programs at the same hook. */
export const ORDER = { LAST: 0, FIRST: 1, BEFORE: 2, AFTER: 3 } as const;
/** A value of ORDER. */
export type Order = typeof ORDER[keyof typeof ORDER];

/** What a place is relative to; exactly one of them is there. */
export interface Anchor {
  readonly programId?: number;
  readonly pin?: string;
  readonly object?: string;
}

export interface Feature {
  readonly name: string;
  readonly supported: boolean;
  readonly detail: string;
}

export interface ProbeResponse {
  readonly version: string;
  readonly kernel: string;
  readonly cpus: number;
  readonly features: readonly Feature[];
  readonly objects: readonly LoadedObject[];
}

export interface MapInfo {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly adopted: boolean;
  readonly memory: number;
}

export interface ProgramInfo {
  readonly name: string;
  readonly type: string;
  readonly instructions: number;
  readonly verifiedInstructions: number;
}

export interface Attachment {
  readonly program: string;
  readonly hook: Hook;
  readonly ifindex: number;
}

export interface LoadedObject {
  readonly name: string;
  readonly maps: readonly MapInfo[];
  readonly programs: readonly ProgramInfo[];
  readonly attachments: readonly Attachment[];
  readonly generation: number;
  readonly note: Uint8Array;
  readonly refused: readonly AttachResult[];
}

export interface LoadRequest {
  readonly name: string;
  readonly object: Uint8Array;
  readonly maxEntries?: Readonly<Record<string, number>>;
  readonly globals?: Readonly<Record<string, Uint8Array>>;
  readonly adoptFrom?: string;
  readonly adopt?: readonly string[];
  readonly note?: Uint8Array;
}

export interface AttachRequest {
  readonly name: string;
  readonly attachments: readonly Attachment[];
  readonly order?: Order;
  readonly anchor?: Anchor | undefined;
}

export interface AttachResult {
  readonly attachment: Attachment;
  readonly error: string;
}

export interface QueryRequest {
  readonly hook: Hook;
  readonly ifindices: readonly number[];
}

/** A program at a hook; object and program are empty for anybody else's. */
export interface Link {
  readonly programId: number;
  readonly object: string;
  readonly program: string;
}

export interface Chain {
  readonly links: readonly Link[];
}

export interface RunRequest {
  readonly name: string;
  readonly program: string;
  readonly ifindex: number;
  readonly frames: readonly Uint8Array[];
}

export interface DetachRequest {
  readonly name: string;
  readonly attachments: readonly Attachment[];
}

/** One operation; exactly one of put, delete and putTable is there. */
export interface Operation {
  readonly map: string;
  readonly put?: { readonly key: Uint8Array; readonly value: Uint8Array } | null;
  readonly delete?: { readonly key: Uint8Array } | null;
  readonly putTable?: { readonly key: Uint8Array; readonly values: Uint8Array } | null;
}

export interface ApplyRequest {
  readonly name: string;
  readonly generation: number;
  readonly operations: readonly Operation[];
}

export interface ApplyResponse {
  readonly applied: number;
  readonly already: boolean;
}

export interface MapId {
  readonly object: string;
  readonly map: string;
}

/** Bytes that are copied. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

export interface CopyRequest {
  readonly from: MapId;
  readonly to: MapId;
  readonly key: readonly Piece[];
  readonly value: readonly Piece[];
  readonly keep?: boolean;
}

export interface CopyResponse {
  readonly copied: number;
  readonly kept: number;
  readonly leftOut: number;
}

export interface ReplaceRequest {
  readonly name: string;
  readonly by: string;
}

export interface DumpRequest {
  readonly name: string;
  readonly map: string;
  readonly chunk?: number;
  /** Leaves out elements whose value is all zeros. */
  readonly skipZeros?: boolean;
}

export interface CountRequest {
  readonly name: string;
  readonly map: string;
}

export interface CountResponse {
  readonly elements: number;
  readonly estimated: boolean;
}

export interface Element {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface Interface {
  readonly ifindex: number;
  readonly name: string;
  readonly kind: string;
  readonly type: number;
  readonly up: boolean;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly master: number;
  readonly peerElsewhere: boolean;
  readonly addresses: readonly Uint8Array[];
  readonly defaultRoute: boolean;
  readonly link: number;
}

export interface WatchResponse {
  readonly interfaces: readonly Interface[];
  readonly routesGeneration: number;
}

export interface Route {
  readonly ifindex: number;
  readonly gateway: Uint8Array;
  readonly local: boolean;
  readonly source: Uint8Array;
}
