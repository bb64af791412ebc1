// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { L4Route } from "../api/l4_route.ts";
import { Graph } from "./graph.ts";
import { Index } from "./index.ts";
import { tcpRoute } from "./testing.ts";

function route(...parents: string[]): L4Route {
  return tcpRoute("default/r", { parentRefs: parents.map((name) => ({ name })) });
}

function makeIndex(graph = new Graph()): Index<L4Route> {
  return new Index<L4Route>(graph, ({ spec }) => (spec.parentRefs ?? []).map(({ name }) => name));
}

const KEY = { kind: "TCPRoute", key: "default/r" };

Deno.test("Index finds an object in each of its groups, once", () => {
  const index = makeIndex();
  const object = route("a", "b", "a");
  index.change({ ...KEY, after: object });
  assertEquals([index.get("a"), index.get("b"), index.get("c")], [[object], [object], []]);
});

Deno.test("Index moves an object that names other groups, and removes one that is gone", () => {
  const index = makeIndex();
  const [before, after] = [route("a", "b"), route("b", "c")];
  index.change({ ...KEY, after: before });
  index.change({ ...KEY, before, after });
  assertEquals([index.get("a"), index.get("b"), index.get("c")], [[], [after], [after]]);
  index.change({ ...KEY, before: after });
  assertEquals([index.get("b"), index.get("c")], [[], []]);
});

Deno.test("Index keeps objects of two kinds and one key apart", () => {
  const index = makeIndex();
  index.change({ ...KEY, after: route("a") });
  index.change({ kind: "UDPRoute", key: KEY.key, after: route("a") });
  assertEquals(index.get("a").length, 2);
  index.change({ ...KEY, before: route("a") });
  assertEquals(index.get("a").length, 1);
});

Deno.test("Index tells the readers of a group of a change, and no others", () => {
  const graph = new Graph();
  const index = makeIndex(graph);
  const sizes = graph.roots((group) => index.get(group).length);
  for (const group of ["a", "b", "c"]) sizes.get(group);
  index.change({ ...KEY, after: route("a") });
  assertEquals(sizes.stale(), ["a"]);
  assertEquals(sizes.get("a"), 1);
  index.change({ ...KEY, before: route("a"), after: route("b") });
  assertEquals([...sizes.stale()].sort(), ["a", "b"]);
});
