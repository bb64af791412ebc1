// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Graph, type Memo, type Source } from "./graph.ts";

/** Numbers by key, which a test sets. */
function cells(
  graph: Graph,
): { source: Source<number>; set(key: string, value: number): void; put(key: string, value: number): void } {
  const values = new Map<string, number>();
  const source = graph.source((key) => values.get(key) ?? 0);
  const put = (key: string, value: number): void => void values.set(key, value);
  return {
    source,
    put,
    set(key, value): void {
      put(key, value);
      source.changed(key);
    },
  };
}

/** A memo that counts how often each key was computed. */
function counted(
  graph: Graph,
  compute: (key: string) => number,
): { get: Memo<number>; runs: Record<string, number> } {
  const runs: Record<string, number> = {};
  const get = graph.memo((key) => {
    runs[key] = (runs[key] ?? 0) + 1;
    return compute(key);
  });
  return { get, runs };
}

Deno.test("A memo computes once, and again only after a change of what it read", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const double = counted(graph, (key) => 2 * source.get(key));
  const root = graph.roots((key) => double.get(key));
  set("a", 1);
  assertEquals([root.get("a"), root.get("a"), double.runs["a"]], [2, 2, 1]);
  set("b", 5);
  assertEquals([root.get("a"), double.runs["a"]], [2, 1]);
  set("a", 3);
  assertEquals([root.get("a"), double.runs["a"]], [6, 2]);
});

Deno.test("A memo whose value stays equal leaves what depends on it as it is", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const sign = counted(graph, (key) => Math.sign(source.get(key)));
  const above = counted(graph, (key) => sign.get(key) * 100);
  const root = graph.roots((key) => above.get(key));
  set("a", 1);
  root.get("a");
  set("a", 7);
  assertEquals([root.get("a"), sign.runs["a"], above.runs["a"]], [100, 2, 1]);
  set("a", -7);
  assertEquals([root.get("a"), above.runs["a"]], [-100, 2]);
});

Deno.test("A memo compares values by the equality it was given", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const list = graph.memo((key) => [source.get(key) > 0], (a, b) => a[0] === b[0]);
  let runs = 0;
  const root = graph.roots((key) => (runs++, list(key)));
  set("a", 1);
  const first = root.get("a");
  set("a", 2);
  assertEquals([root.get("a") === first, runs], [true, 1]);
});

Deno.test("A memo forgets what it no longer reads", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const either = counted(graph, () => (source.get("which") === 0 ? source.get("a") : source.get("b")));
  const root = graph.roots(() => either.get(""));
  set("a", 1);
  set("b", 2);
  assertEquals(root.get(""), 1);
  set("which", 1);
  assertEquals([root.get(""), either.runs[""]], [2, 2]);
  set("a", 9);
  assertEquals([root.get(""), either.runs[""]], [2, 2]);
  set("b", 3);
  assertEquals([root.get(""), either.runs[""]], [3, 3]);
});

Deno.test("A memo does not look at what only an outdated branch would read", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const inverse = graph.memo(() => {
    if (source.get("divisor") === 0) throw new RangeError("Division by zero");
    return 1 / source.get("divisor");
  });
  const root = graph.roots(() => (source.get("safe") === 1 ? inverse("") : 0));
  set("safe", 1);
  set("divisor", 2);
  assertEquals(root.get(""), 0.5);
  set("safe", 0);
  set("divisor", 0);
  assertEquals(root.get(""), 0);
});

Deno.test("A memo that nobody reads any more is forgotten, and computed anew when it is read again", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const leaf = counted(graph, (key) => source.get(key));
  const root = graph.roots(() => (source.get("on") === 1 ? leaf.get("a") : -1));
  set("on", 1);
  root.get("");
  set("on", 0);
  root.get("");
  set("on", 1);
  set("a", 4);
  assertEquals([root.get(""), leaf.runs["a"]], [4, 2]);
});

Deno.test("Roots say which of them may have changed, until they are read", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const roots = graph.roots((key) => source.get(key) + source.get("all"));
  for (const key of ["a", "b"]) roots.get(key);
  assertEquals(roots.stale(), []);
  set("a", 1);
  assertEquals(roots.stale(), ["a"]);
  set("all", 1);
  assertEquals([...roots.stale()].sort(), ["a", "b"]);
  assertEquals(roots.get("a"), 2);
  assertEquals(roots.stale(), ["b"]);
});

Deno.test("A root that was dropped is stale no more", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const roots = graph.roots((key) => source.get(key));
  roots.get("a");
  set("a", 1);
  roots.drop("a");
  set("a", 2);
  assertEquals(roots.stale(), []);
  assertEquals(roots.get("a"), 2);
});

Deno.test("A computation that throws is tried again, and others go on", () => {
  const graph = new Graph();
  const { source, set } = cells(graph);
  const root = graph.roots((key) => {
    if (source.get(key) < 0) throw new RangeError("Negative");
    return source.get(key);
  });
  set("a", 1);
  root.get("a");
  set("a", -1);
  assertThrows(() => root.get("a"), RangeError);
  assertThrows(() => root.get("a"), RangeError);
  assertEquals([root.get("b"), root.stale()], [0, ["a"]]);
  set("a", 3);
  assertEquals(root.get("a"), 3);
});

Deno.test("Reading a source outside any computation is allowed and remembers nothing", () => {
  const { source, set } = cells(new Graph());
  set("a", 1);
  assertEquals(source.get("a"), 1);
});

Deno.test("A graph of random shape always answers what a fresh one does", () => {
  // Layer n reads two cells of layer n-1, which ones depends on a value: edges come and go.
  const build = (
    values: ReadonlyMap<string, number>,
  ): { source: Source<number>; root: (key: string) => number; stale: () => readonly string[] } => {
    const graph = new Graph();
    const source = graph.source((key) => values.get(key) ?? 0);
    const layer = (below: Memo<number>): Memo<number> =>
      graph.memo((key) => {
        const place = Number(key);
        const left = below(String(place));
        return left + below(String((place + left) % 5)) % 7;
      });
    const top = layer(layer(layer((key) => source.get(key))));
    const roots = graph.roots(top);
    return { source, root: roots.get, stale: roots.stale };
  };
  const edits = fc.array(fc.tuple(fc.nat(4), fc.nat(9)), { maxLength: 30 });
  fc.assert(fc.property(edits, (edits) => {
    const values = new Map<string, number>();
    const kept = build(values);
    const keys = ["0", "1", "2", "3", "4"];
    const known = new Map(keys.map((key) => [key, kept.root(key)]));
    for (const [key, value] of edits) {
      values.set(String(key), value);
      kept.source.changed(String(key));
      // Only stale roots are read again, as the Translator does.
      for (const stale of kept.stale()) known.set(stale, kept.root(stale));
      const fresh = build(values);
      assertEquals([...known], keys.map((each) => [each, fresh.root(each)]));
    }
  }));
});
