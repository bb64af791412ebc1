// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "../api/object.ts";
import type { Graph, Source } from "./graph.ts";

/** Finds objects by something they name: a group may hold many objects, an object may be in many groups. */
export class Index<T extends KubernetesObject> {
  /** Objects by kind and key, of each group. */
  readonly #groups = new Map<string, Map<string, T>>();
  readonly #source: Source<readonly T[]>;
  readonly #groupsOf: (object: T) => readonly string[];

  constructor(graph: Graph, groupsOf: (object: T) => readonly string[]) {
    this.#groupsOf = groupsOf;
    this.#source = graph.source((group) => [...(this.#groups.get(group)?.values() ?? [])]);
  }

  /** The objects of a group, in no particular order. */
  get(group: string): readonly T[] {
    return this.#source.get(group);
  }

  /** Takes over a change of one object, of a kind whose type is T. */
  change(
    change: {
      kind: string;
      key: string;
      before?: KubernetesObject | undefined;
      after?: KubernetesObject | undefined;
    },
  ): void {
    const id = `${change.kind} ${change.key}`;
    for (const group of this.#groupsIn(change.before)) {
      const members = this.#groups.get(group);
      members?.delete(id);
      if (members?.size === 0) this.#groups.delete(group);
      this.#source.changed(group);
    }
    for (const group of this.#groupsIn(change.after)) {
      const members = this.#groups.get(group);
      if (members === undefined) this.#groups.set(group, new Map([[id, change.after as T]]));
      else members.set(id, change.after as T);
      this.#source.changed(group);
    }
  }

  #groupsIn(object: KubernetesObject | undefined): ReadonlySet<string> {
    return new Set(object === undefined ? [] : this.#groupsOf(object as T));
  }
}
