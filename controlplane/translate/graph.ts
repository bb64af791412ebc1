// SPDX-License-Identifier: Apache-2.0

// Values that are computed from other values, and computed again only when one
// of those has changed. A change marks what may depend on it, and no more; what is
// marked is checked when it is next read. So the work after a change follows the
// change, not the number of all values. There may be a hundred thousand of them,
// which is why nodes are kept small.

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

/** The nodes of one source or memo, by key. */
type Nodes = Map<string, unknown>;

const NONE: readonly never[] = [];

/** Dependents that stand in a list. */
const FEW = 8;

/** Something that computations depend on. */
class Node {
  /** One alone, as is usual, stands by itself, and a few in a list: a set takes four times its memory. */
  #dependents: Dependent | readonly Dependent[] | Set<Dependent> | undefined;
  readonly #siblings: Nodes;
  readonly key: string;
  /** The tracking that last noted this node, which so notes it once, or again after one inside it: that does no harm. */
  seenBy = 0;

  constructor(siblings: Nodes, key: string) {
    this.#siblings = siblings;
    this.key = key;
  }

  /** Brings its value up to date. A source's always is. */
  refresh(): void {}

  addDependent(dependent: Dependent): void {
    const present = this.#dependents;
    if (present instanceof Set) present.add(dependent);
    else if (present instanceof Array) {
      if (present.includes(dependent)) return;
      const all = [...present, dependent];
      this.#dependents = all.length > FEW ? new Set(all) : all;
    } else if (present === undefined) this.#dependents = dependent;
    else if (present !== dependent) this.#dependents = [present, dependent];
  }

  /** Forgets the node when nothing depends on it any more. */
  removeDependent(dependent: Dependent): void {
    const present = this.#dependents;
    if (present instanceof Set) {
      present.delete(dependent);
      if (present.size > 0) return;
    } else if (present instanceof Array) {
      const left = present.filter((other) => other !== dependent);
      this.#dependents = left;
      if (left.length > 0) return;
    } else if (present !== dependent) return;
    this.#dependents = undefined;
    this.#siblings.delete(this.key);
    this.dispose();
  }

  markDependents(state: "suspect" | "dirty"): void {
    const present = this.#dependents;
    if (present instanceof Set || present instanceof Array) {
      for (const dependent of present) dependent.mark(state);
    } else present?.mark(state);
  }

  /** Lets go of everything it depends on. */
  dispose(): void {}
}

/** What the computations of one memo have in common. */
interface Family<V> {
  readonly graph: Graph;
  readonly nodes: Map<string, Computation<V>>;
  readonly compute: (key: string) => V;
  readonly equal: Equal<V>;
  /** Keys of computations that were marked; kept for roots only. */
  readonly stale?: Set<string>;
}

const NOT_COMPUTED = Symbol("not computed");

class Computation<V> extends Node implements Dependent {
  readonly #family: Family<V>;
  #state: State = "dirty";
  #dependencies: readonly Node[] = NONE;
  #value: V | typeof NOT_COMPUTED = NOT_COMPUTED;

  constructor(family: Family<V>, key: string) {
    super(family.nodes, key);
    this.#family = family;
  }

  mark(state: "suspect" | "dirty"): void {
    const before = this.#state;
    if (before === "dirty") return;
    this.#state = state;
    if (before === "suspect") return;
    this.#family.stale?.add(this.key);
    this.markDependents("suspect");
  }

  override refresh(): void {
    if (this.#state === "suspect") this.#check();
    if (this.#state === "dirty") this.#recompute();
  }

  /** Finds out whether something it depends on is really different: that then has marked it dirty. */
  #check(): void {
    for (const dependency of this.#dependencies) {
      dependency.refresh();
      // Those after a different one may not be read at all any more.
      if (this.#state === "dirty") return;
    }
    this.#state = "clean";
  }

  #recompute(): void {
    const { graph, compute, equal } = this.#family;
    const before = this.#dependencies;
    const { value, read } = graph.track(() => compute(this.key));
    this.#dependencies = read;
    for (const dependency of read) dependency.addDependent(this);
    if (before.length > 0) {
      const kept = new Set(read);
      for (const dependency of before) if (!kept.has(dependency)) dependency.removeDependent(this);
    }
    this.#state = "clean";
    if (this.#value !== NOT_COMPUTED && equal(this.#value, value)) return;
    this.#value = value;
    this.markDependents("dirty");
  }

  /** The value as of the last refresh. */
  get value(): V {
    if (this.#value === NOT_COMPUTED) throw new Error("A computation was read before it was refreshed");
    return this.#value;
  }

  override dispose(): void {
    for (const dependency of this.#dependencies) dependency.removeDependent(this);
    this.#dependencies = NONE;
    this.#state = "dirty";
  }
}

/** Brings the computation of that key up to date, a new one if there is none. */
function refreshed<V>(family: Family<V>, key: string): Computation<V> {
  let computation = family.nodes.get(key);
  if (computation === undefined) {
    computation = new Computation(family, key);
    family.nodes.set(key, computation);
  }
  computation.refresh();
  return computation;
}

/** Holds sources and memos that read each other. Memos must not read themselves, directly or not. */
export class Graph {
  #reads: Node[] | undefined;
  #tracking = 0;
  #trackings = 0;

  /** Keyed values that lookup finds; it is asked each time. */
  source<V>(lookup: (key: string) => V): Source<V> {
    const nodes = new Map<string, Node>();
    return {
      get: (key) => {
        if (this.#reads !== undefined) {
          let node = nodes.get(key);
          if (node === undefined) nodes.set(key, node = new Node(nodes, key));
          this.#note(node);
        }
        return lookup(key);
      },
      changed: (key) => nodes.get(key)?.markDependents("dirty"),
    };
  }

  /** A memo inside the graph: a value that nobody reads any more is forgotten. */
  memo<V>(compute: (key: string) => V, equal: Equal<V> = Object.is): Memo<V> {
    const family: Family<V> = { graph: this, nodes: new Map(), compute, equal };
    return (key) => {
      const computation = refreshed(family, key);
      this.#note(computation);
      return computation.value;
    };
  }

  /** A memo that is read from outside the graph. */
  roots<V>(compute: (key: string) => V, equal: Equal<V> = Object.is): Roots<V> {
    const stale = new Set<string>();
    const family: Family<V> = { graph: this, nodes: new Map(), compute, equal, stale };
    return {
      get: (key) => {
        const { value } = refreshed(family, key);
        stale.delete(key);
        return value;
      },
      stale: () => [...stale],
      drop: (key) => {
        family.nodes.get(key)?.dispose();
        family.nodes.delete(key);
        stale.delete(key);
      },
    };
  }

  /** Runs a computation and answers what it read. */
  track<V>(compute: () => V): { readonly value: V; readonly read: readonly Node[] } {
    const outer = { reads: this.#reads, tracking: this.#tracking };
    const read: Node[] = [];
    this.#reads = read;
    this.#tracking = ++this.#trackings;
    try {
      const value = compute();
      // V8 leaves room for more than a dozen at the end of a list that grew.
      return { value, read: read.length === 0 ? NONE : [...read] };
    } finally {
      this.#reads = outer.reads;
      this.#tracking = outer.tracking;
    }
  }

  #note(node: Node): void {
    if (this.#reads === undefined || node.seenBy === this.#tracking) return;
    node.seenBy = this.#tracking;
    this.#reads.push(node);
  }
}
