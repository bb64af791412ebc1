// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "../../api/object.ts";
import type { Node } from "../../api/node.ts";

/** kubectl's copy of the whole object, which nothing here reads. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** What the API server adds for others, and what is left. */
interface FullMeta {
  readonly managedFields?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The object without what nothing here reads and takes most of its memory: managedFields and kubectl's copy of it; of
 * a Node's status, which lists its images, all but the addresses. It is a new object, for V8 gives one from which a
 * field is deleted several times the memory.
 */
export function trimmed(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, annotations, ...rest } = object.metadata as
    & KubernetesObject["metadata"]
    & FullMeta;
  const metadata = annotations === undefined ? rest : { ...rest, annotations: withoutCopy(annotations) };
  return object.kind === "Node" ? trimmedNode(object, metadata) : { ...object, metadata };
}

function withoutCopy(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { [LAST_APPLIED]: copy, ...rest } = annotations;
  return copy === undefined ? annotations : rest;
}

function trimmedNode(node: Node, metadata: Node["metadata"]): Node {
  const { apiVersion, kind, status } = node;
  const addresses = status?.addresses;
  return { apiVersion, kind, metadata, ...(addresses && { status: { addresses } }) };
}
