// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import type { OwnerReference } from "../api/object.ts";
import { LeaseServer } from "../election/lease_server.ts";
import { ManualClock } from "../manual_clock.ts";
import { Trouble } from "../source/apiserver/trouble.ts";
import { NodeLease, renewalInterval } from "./node_lease.ts";

const OWNER: OwnerReference = { apiVersion: "v1", kind: "Node", name: "a", uid: "u" };

interface Fixture {
  readonly server: LeaseServer;
  readonly clock: ManualClock;
  readonly log: string[];
  readonly lease: NodeLease;
}

/** Runs the Lease of a node. */
async function withLease(
  node: string,
  body: (fixture: Fixture) => Promise<void>,
  nodes = 1,
): Promise<void> {
  await using server = new LeaseServer();
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const log: string[] = [];
  const lease = new NodeLease({
    client: server.client(),
    trouble: new Trouble((line) => log.push(line)),
    node,
    owner: () => OWNER,
    nodes: () => nodes,
    clock,
  });
  const stop = new AbortController();
  const running = lease.run(stop.signal);
  try {
    await body({ server, clock, log, lease });
  } finally {
    stop.abort();
    await running;
  }
}

/** Waits, at most two seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(holds(), true, "the condition holds within two seconds");
}

Deno.test("renewalInterval() is two seconds up to fifty nodes, and never lets a node hear more than 25 renewals a second", () => {
  assertEquals([1, 50, 250, 1_000].map(renewalInterval), [2_000, 2_000, 10_000, 40_000]);
});

Deno.test("NodeLease creates a Lease that goes with its node, and renews it every two seconds", async () => {
  await withLease("a", async ({ server, clock }) => {
    await until(() => server.writes === 1);
    const lease = server.leases.get("blixt-node-a")!;
    assertEquals(lease.metadata.labels, { "blixt.x-k8s.io/lease": "node" });
    assertEquals(lease.metadata.ownerReferences, [OWNER]);
    assertEquals(lease.spec, {
      holderIdentity: "a",
      leaseDurationSeconds: 6,
      renewTime: "2026-01-01T00:00:00.000000Z",
    });
    await until(() => clock.sleeping === 1);
    await clock.advance(2_000);
    await until(() => server.writes === 2);
    assertEquals(server.leases.get("blixt-node-a")?.spec?.renewTime, "2026-01-01T00:00:02.000000Z");
  });
});

Deno.test("NodeLease renews less often among many nodes, and says how long it counts", async () => {
  await withLease("a", async ({ server, clock }) => {
    await until(() => clock.sleeping === 1);
    assertEquals(clock.nextWake, 4_000);
    assertEquals(server.leases.get("blixt-node-a")?.spec?.leaseDurationSeconds, 12);
  }, 100);
});

Deno.test("NodeLease goes on after trouble, which it tells once", async () => {
  await withLease("a", async ({ server, clock, log }) => {
    await until(() => clock.sleeping === 1);
    server.away = true;
    for (let renewal = 0; renewal < 3; renewal++) {
      await clock.advance(2_000);
      await until(() => clock.sleeping === 1);
    }
    assertEquals(log.length, 1);
    server.away = false;
    await clock.advance(2_000);
    await until(() => server.writes === 2);
    await until(() => log.length === 2);
  });
});

Deno.test("NodeLease.release() tells others that the node is gone", async () => {
  await withLease("a", async ({ server, clock, lease }) => {
    await until(() => clock.sleeping === 1);
    await lease.release();
    assertEquals(server.leases.get("blixt-node-a")?.spec?.holderIdentity, "");
  });
});

Deno.test("NodeLease shortens the longest name that a node may have", async () => {
  await withLease("n".repeat(253), async ({ server }) => {
    await until(() => server.writes === 1);
    const [name = ""] = server.leases.keys();
    assert(name.length <= 253 && name.startsWith("blixt-node-nnn"));
    assertEquals(server.leases.get(name)?.spec?.holderIdentity?.length, 253);
  });
});
