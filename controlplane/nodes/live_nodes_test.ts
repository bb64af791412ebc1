// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import { type Lease, microTime } from "../api/lease.ts";
import { ManualClock } from "../manual_clock.ts";
import { LiveNodes } from "./live_nodes.ts";

const START = Date.UTC(2026, 0, 1);
let version = 0;

/** A Lease of a node of that name, renewed at that time. */
function lease(node: string, renewed = START, more: Partial<NonNullable<Lease["spec"]>> = {}): Lease {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: `blixt-node-${node}`, resourceVersion: `${++version}` },
    spec: { holderIdentity: node, leaseDurationSeconds: 6, renewTime: microTime(renewed), ...more },
  };
}

interface Fixture {
  readonly nodes: LiveNodes;
  readonly clock: ManualClock;
  readonly changes: (readonly string[] | undefined)[];
}

async function withNodes(body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const clock = new ManualClock(START);
  const changes: (readonly string[] | undefined)[] = [];
  const nodes: LiveNodes = new LiveNodes({ clock, onChange: () => changes.push(nodes.names) });
  const stop = new AbortController();
  const running = nodes.run(stop.signal);
  try {
    await body({ nodes, clock, changes });
  } finally {
    stop.abort();
    await running;
  }
}

/** Lets so many seconds go by, in which these nodes renew every second. */
async function pass({ nodes, clock }: Fixture, seconds: number, ...renewing: string[]): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1_000);
    for (const node of renewing) nodes.set(lease(node, clock.now()));
  }
}

Deno.test("LiveNodes knows nothing before all Leases were read once", async () => {
  await withNodes(({ nodes, changes }) => {
    nodes.set(lease("a"));
    assertEquals(nodes.names, undefined);
    nodes.replace([lease("b"), lease("a")]);
    assertEquals(nodes.names, ["a", "b"]);
    assertEquals(changes, [["a", "b"]]);
    return Promise.resolve();
  });
});

Deno.test("LiveNodes says that there is none, too", async () => {
  await withNodes(({ nodes, changes }) => {
    nodes.replace([]);
    assertEquals(changes, [[]]);
    return Promise.resolve();
  });
});

Deno.test("LiveNodes takes a node for gone six seconds after its last renewal", async () => {
  await withNodes(async (fixture) => {
    const { nodes, changes } = fixture;
    nodes.replace([lease("a"), lease("b")]);
    await pass(fixture, 5, "b");
    assertEquals(nodes.names, ["a", "b"]);
    await pass(fixture, 2, "b");
    assertEquals(nodes.names, ["b"]);
    await pass(fixture, 1, "a", "b");
    assertEquals(changes, [["a", "b"], ["b"], ["a", "b"]]);
  });
});

Deno.test("LiveNodes gives a node the time that its own Lease names", async () => {
  await withNodes(async (fixture) => {
    fixture.nodes.replace([lease("a", START, { leaseDurationSeconds: 30 }), lease("b")]);
    await pass(fixture, 29, "b");
    assertEquals(fixture.nodes.names, ["a", "b"]);
    await pass(fixture, 2, "b");
    assertEquals(fixture.nodes.names, ["b"]);
  });
});

Deno.test("LiveNodes judges nobody while nobody is heard, and gives everybody time when that is over", async () => {
  await withNodes(async (fixture) => {
    const { nodes, changes } = fixture;
    nodes.replace([lease("a"), lease("b"), lease("c")]);
    await pass(fixture, 3_600);
    assertEquals(nodes.names, ["a", "b", "c"]);
    await pass(fixture, 4, "a");
    assertEquals(nodes.names, ["a", "b", "c"]);
    await pass(fixture, 4, "a", "b");
    assertEquals(changes, [["a", "b", "c"], ["a", "b"]]);
  });
});

Deno.test("LiveNodes does not take a Lease of long ago for a sign of life", async () => {
  await withNodes(async (fixture) => {
    fixture.nodes.replace([lease("a", START - 3_600_000), lease("b", START - 2_000)]);
    assertEquals(fixture.nodes.names, ["b"]);
    // A clock that is an hour behind: its next renewal shows that the node lives.
    fixture.nodes.set(lease("a", START - 3_599_000));
    assertEquals(fixture.nodes.names, ["a", "b"]);
    await Promise.resolve();
  });
});

Deno.test("LiveNodes takes the same version of a Lease for no renewal", async () => {
  await withNodes(async (fixture) => {
    const old = lease("a");
    fixture.nodes.replace([old, lease("b")]);
    await pass(fixture, 4, "b");
    fixture.nodes.replace([old, lease("b")]);
    await pass(fixture, 3, "b");
    assertEquals(fixture.nodes.names, ["b"]);
  });
});

Deno.test("LiveNodes takes a node for gone at once when its Lease is given back or deleted", async () => {
  await withNodes(async ({ nodes }) => {
    nodes.replace([lease("a"), lease("b"), lease("c")]);
    nodes.set(lease("a", START, { holderIdentity: "" }));
    assertEquals(nodes.names, ["b", "c"]);
    nodes.delete("blixt-node-b");
    assertEquals(nodes.names, ["c"]);
    await Promise.resolve();
  });
});

Deno.test("LiveNodes answers the same list as long as nobody comes or goes", async () => {
  await withNodes(async (fixture) => {
    fixture.nodes.replace([lease("a"), lease("b")]);
    const { names } = fixture.nodes;
    await pass(fixture, 10, "a", "b");
    assertStrictEquals(fixture.nodes.names, names);
  });
});

Deno.test("LiveNodes counts a node as equipped until its Lease is given back or deleted", async () => {
  await withNodes(async (fixture) => {
    const { nodes } = fixture;
    nodes.replace([lease("a"), lease("b"), lease("c", START - 3_600_000)]);
    await pass(fixture, 7, "a");
    assertEquals([nodes.names, nodes.equipped], [["a"], ["a", "b", "c"]]);
    const { equipped } = nodes;
    await pass(fixture, 1, "a");
    assertStrictEquals(nodes.equipped, equipped);
    nodes.set(lease("b", START, { holderIdentity: "" }));
    nodes.delete("blixt-node-c");
    assertEquals(nodes.equipped, ["a"]);
  });
});
