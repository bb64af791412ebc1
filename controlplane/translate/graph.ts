// SPDX-License-Identifier: Apache-2.0

// Values that are computed from other values, and computed again only when one
// of those has changed. A change marks what may depend on it, and no more; what is
// marked is checked when it is next read. So the work after a change follows the
// change, not the number of all values.

/** Whether two values of a memo mean the same, so that what depends on it stays as it is. */
export type Equal<V> = (a: V, b: V) => boolean;

/** A value for each key, computed when it is first read. */
export type Memo<V> = (key: string) => V;

/** Keyed values from outside, whose owner says when one changed. */
export interface Source<V> {
  /** The value; the computation that reads it depends on it from now on. */
  get(key: string): V;
  /** Says that the value of that key is another. */
  changed(key: string): void;
}

/** A memo whose values are read from outside the graph. */
export interface Roots<V> {
  /** The value, computed if need be. */
  get(key: string): V;
  /** Keys whose value may have changed since it was last read. */
  stale(): readonly string[];
  /** Forgets a key. */
  drop(key: string): void;
}

/** clean: up to date; suspect: something it depends on may have changed; dirty: something has. */
type State = "clean" | "suspect" | "dirty";

/** What a node tells that something has happened. */
interface Dependent {
  mark(state: "suspect" | "dirty"): void;
}

/** Something that computations depend on. */
class Node {
  readonly dependents = new Set<Dependent>();
  /** Called when nothing depends on it any more. */
  readonly abandoned: () => void;

  constructor(abandoned: () => void) {
    this.abandoned = abandoned;
  }

  /** Brings its value up to date. A source's always is. */
  refresh(): void {}

  markDependents(): void {
    for (const dependent of this.dependents) dependent.mark("dirty");
  }
}

class Computation<V> extends Node implements Dependent {
  readonly #graph: Graph;
  readonly #compute: () => V;
  readonly #equal: Equal<V>;
  readonly #marked: (() => void) | undefined;
  #state: State = "dirty";
  #dependencies: ReadonlySet<Node> = new Set();
  #value: { readonly of: V } | undefined;

  constructor(graph: Graph, compute: () => V, equal: Equal<V>, abandoned: () => void, marked?: () => void) {
    super(abandoned);
    this.#graph = graph;
    this.#compute = compute;
    this.#equal = equal;
    this.#marked = marked;
  }

  mark(state: "suspect" | "dirty"): void {
    if (this.#state === "dirty") return;
    const known = this.#state === "suspect";
    this.#state = state;
    if (known) return;
    this.#marked?.();
    for (const dependent of this.dependents) dependent.mark("suspect");
  }

  override refresh(): void {
    if (this.#state === "suspect") {
      for (const dependency of this.#dependencies) {
        dependency.refresh();
        // One that changed has marked this dirty; those after it may not even be needed any more.
        if (this.#state !== "suspect") break;
      }
      if (this.#state === "suspect") this.#state = "clean";
    }
    if (this.#state === "dirty") this.#recompute();
  }

  #recompute(): void {
    const { value, dependencies } = this.#graph.track(this.#compute);
    for (const dependency of dependencies) dependency.dependents.add(this);
    const before = this.#dependencies;
    this.#dependencies = dependencies;
    this.#release(before, dependencies);
    this.#state = "clean";
    if (this.#value !== undefined && this.#equal(this.#value.of, value)) return;
    this.#value = { of: value };
    this.markDependents();
  }

  /** The value; call refresh first. */
  read(): V {
    if (this.#value === undefined) throw new Error("A computation was read before it was refreshed");
    return this.#value.of;
  }

  /** Lets go of everything it depends on. */
  dispose(): void {
    this.#release(this.#dependencies, new Set());
    this.#dependencies = new Set();
    this.#state = "dirty";
  }

  #release(before: ReadonlySet<Node>, kept: ReadonlySet<Node>): void {
    for (const dependency of before) {
      if (kept.has(dependency)) continue;
      dependency.dependents.delete(this);
      if (dependency.dependents.size === 0) dependency.abandoned();
    }
  }
}

/** Holds sources and memos that read each other. Memos must not read themselves, directly or not. */
export class Graph {
  #reads: Set<Node> | undefined;

  /** Keyed values that lookup finds; it is asked each time. */
  source<V>(lookup: (key: string) => V): Source<V> {
    const nodes = new Map<string, Node>();
    return {
      get: (key) => {
        if (this.#reads !== undefined) {
          let node = nodes.get(key);
          if (node === undefined) nodes.set(key, node = new Node(() => nodes.delete(key)));
          this.#reads.add(node);
        }
        return lookup(key);
      },
      changed: (key) => nodes.get(key)?.markDependents(),
    };
  }

  /** A memo inside the graph: a value that nobody reads any more is forgotten. */
  memo<V>(compute: (key: string) => V, equal: Equal<V> = Object.is): Memo<V> {
    const computations = new Map<string, Computation<V>>();
    return (key) => {
      let computation = computations.get(key);
      if (computation === undefined) {
        const made = new Computation(this, () => compute(key), equal, () => {
          computations.delete(key);
          made.dispose();
        });
        computations.set(key, computation = made);
      }
      computation.refresh();
      this.#reads?.add(computation);
      return computation.read();
    };
  }

  /** A memo that is read from outside the graph. */
  roots<V>(compute: (key: string) => V): Roots<V> {
    const computations = new Map<string, Computation<V>>();
    const stale = new Set<string>();
    return {
      get: (key) => {
        let computation = computations.get(key);
        if (computation === undefined) {
          computation = new Computation(this, () => compute(key), Object.is, () => {}, () => stale.add(key));
          computations.set(key, computation);
        }
        computation.refresh();
        stale.delete(key);
        return computation.read();
      },
      stale: () => [...stale],
      drop: (key) => {
        computations.get(key)?.dispose();
        computations.delete(key);
        stale.delete(key);
      },
    };
  }

  /** Runs a computation and answers what it read. */
  track<V>(compute: () => V): { readonly value: V; readonly dependencies: ReadonlySet<Node> } {
    const outer = this.#reads;
    const reads = new Set<Node>();
    this.#reads = reads;
    try {
      return { value: compute(), dependencies: reads };
    } finally {
      this.#reads = outer;
    }
  }
}
