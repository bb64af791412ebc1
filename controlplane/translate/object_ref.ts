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

/** "Gateway default/web, listener tcp": names a listener of an object by its refText. */
export function listenerText(parent: string, listener: string): string {
  return `${parent}, listener ${listener}`;
}

/** The object's refText and the listener's name that listenerText joined. */
export function parseListener(text: string): { readonly parent: string; readonly listener: string } {
  const [parent = "", listener = ""] = text.split(", listener ");
  return { parent, listener };
}

/** The reference that refText wrote. */
export function parseRef(text: string): ObjectRef {
  const space = text.indexOf(" ");
  return { kind: text.slice(0, space) as Kind, key: text.slice(space + 1) };
}
