// SPDX-License-Identifier: Apache-2.0

import { parseAllDocuments } from "yaml";

/** The parts of EndpointSlices and routes that say which weight leads to which endpoint. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly endpoints?: readonly { readonly addresses: readonly string[] }[];
  readonly spec?: {
    readonly rules?: readonly {
      readonly backendRefs: readonly { readonly name: string; readonly weight?: number }[];
    }[];
  };
}

/** Weight by "TCP address" or "UDP address" of the endpoint; without those that no backendRef leads to. */
export type Weights = ReadonlyMap<string, number>;

/** Reads the weights that a user has written, from the manifests as text. */
export function readWeights(texts: readonly string[]): Weights {
  const objects = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as Manifest)
  );
  const weights = new Map<string, number>();
  for (const { kind, spec } of objects) {
    const protocol = /^(TCP|UDP)Route$/.exec(kind)?.[1];
    if (protocol === undefined) continue;
    for (const { name, weight = 1 } of spec?.rules?.flatMap(({ backendRefs }) => backendRefs) ?? []) {
      for (const address of addressesOf(objects, name)) weights.set(`${protocol} ${address}`, weight);
    }
  }
  return weights;
}

function addressesOf(objects: readonly Manifest[], service: string): string[] {
  return objects
    .filter(({ kind, metadata }) =>
      kind === "EndpointSlice" && metadata.labels?.["kubernetes.io/service-name"] === service
    )
    .flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses }) => addresses));
}
