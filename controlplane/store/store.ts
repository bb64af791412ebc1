// SPDX-License-Identifier: Apache-2.0

// Holds every watched object. A source writes, the translation reads a
// snapshot; a change only says "look again", never what changed.

import { abortable } from "../abortable.ts";
import type { KubernetesObject } from "../api/object.ts";
import { type Kind, KINDS, type ObjectKey, objectKey, type Snapshot } from "../api/snapshot.ts";
import { Burst, type BurstOptions } from "./burst.ts";

type Objects = Map<ObjectKey, KubernetesObject>;

/** Names of all watched kinds. */
export const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

/**
 * The objects of all kinds. Snapshots are copy-on-write by kind: taking one is
 * free, and the first write after it copies that kind's map once.
 */
export class Store {
  readonly #objects = Object.fromEntries(KIND_NAMES.map((kind) => [kind, new Map()])) as Record<
    Kind,
    Objects
  >;
  /** Kinds whose map belongs to the current snapshot and must not be written. */
  readonly #shared = new Set<Kind>();
  readonly #synced = new Set<Kind>();
  readonly #burst: Burst;
  #snapshot: Snapshot | undefined;
  #onSynced = Promise.withResolvers<void>();

  constructor(options: BurstOptions = {}) {
    this.#burst = new Burst(options);
  }

  /** All objects as they are now; the same snapshot as before when nothing changed. */
  snapshot(): Snapshot {
    if (this.#snapshot === undefined) {
      this.#snapshot = { ...this.#objects };
      for (const kind of KIND_NAMES) this.#shared.add(kind);
    }
    return this.#snapshot;
  }

  /** The object of that kind and key, if there is one. */
  get(kind: Kind, key: ObjectKey): KubernetesObject | undefined {
    return this.#objects[kind].get(key);
  }

  /** Whether a namespace is being deleted: the server lets nobody create anything there. */
  isTerminating(namespace: string | undefined): boolean {
    return namespace !== undefined &&
      this.get("Namespace", namespace)?.metadata.deletionTimestamp !== undefined;
  }

  /** Adds or replaces an object. The same object again is no change. */
  set(kind: Kind, object: KubernetesObject): void {
    const key = objectKey(object);
    const present = this.#objects[kind].get(key);
    if (present === object || isSameVersion(present, object)) return;
    this.#writable(kind).set(key, object);
  }

  /** Removes an object; an absent one is no change. */
  delete(kind: Kind, key: ObjectKey): void {
    if (this.#objects[kind].has(key)) this.#writable(kind).delete(key);
  }

  /** Makes these the kind's only objects, and the kind synced. Unchanged objects keep their identity. */
  replace(kind: Kind, objects: Iterable<KubernetesObject>): void {
    const gone = new Set(this.#objects[kind].keys());
    for (const object of objects) {
      gone.delete(objectKey(object));
      this.set(kind, object);
    }
    for (const key of gone) this.delete(kind, key);
    this.markSynced(kind);
  }

  /** Says that the kind's objects are known, or that the kind does not exist. */
  markSynced(kind: Kind): void {
    if (this.#synced.has(kind)) return;
    this.#synced.add(kind);
    if (this.isSynced) this.#onSynced.resolve();
    this.#burst.notify();
  }

  /** True once every kind was read at least once. */
  get isSynced(): boolean {
    return this.#synced.size === KIND_NAMES.length;
  }

  /** Resolves once every kind was read at least once. */
  synced(signal: AbortSignal): Promise<void> {
    return abortable(this.#onSynced.promise, signal);
  }

  /** Resolves after a burst of changes has ended, or gone on for the longest delay; at once for one already over. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#burst.next(signal);
  }

  /** Something else that a translation goes by is another than before: look again. */
  notify(): void {
    this.#burst.notify();
  }

  #writable(kind: Kind): Objects {
    if (this.#shared.delete(kind)) this.#objects[kind] = new Map(this.#objects[kind]);
    this.#snapshot = undefined;
    this.#burst.notify();
    return this.#objects[kind];
  }
}

/** Equal resourceVersions of one uid mean equal objects (Kubernetes API concepts, "Resource versions"). */
function isSameVersion(a: KubernetesObject | undefined, b: KubernetesObject): boolean {
  const version = b.metadata.resourceVersion;
  return version !== undefined && a?.metadata.resourceVersion === version &&
    a.metadata.uid === b.metadata.uid;
}
