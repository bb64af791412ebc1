// SPDX-License-Identifier: Apache-2.0

import type { Kind, ObjectKey } from "../api/snapshot.ts";

/** An object by kind and key. */
export interface ObjectRef {
  readonly kind: Kind;
  readonly key: ObjectKey;
}

/** "Gateway default/web": names an object for people, and as the key of a map. */
export function refText({ kind, key }: ObjectRef): string {
  return `${kind} ${key}`;
}

/** The reference that refText wrote. */
export function parseRef(text: string): ObjectRef {
  const space = text.indexOf(" ");
  return { kind: text.slice(0, space) as Kind, key: text.slice(space + 1) };
}
