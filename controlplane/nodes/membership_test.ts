// SPDX-License-Identifier: Apache-2.0

// What tests/apiserver/election_test.ts cannot see on a real API server.

import { assertEquals } from "@std/assert";
import { type Lease, microTime } from "../api/lease.ts";
import { service } from "../dataplane/fixtures.ts";
import { LEADER_LEASE_NAME } from "../election/elector.ts";
import { LeaseServer } from "../election/lease_server.ts";
import { ManualClock } from "../manual_clock.ts";
import { Trouble } from "../source/apiserver/trouble.ts";
import { Membership } from "./membership.ts";

const NOW = Date.UTC(2026, 0, 1);
const SERVICES = ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"].map((at) => service(at));
const ALL = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

function lease(name: string, holderIdentity: string): Lease {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "blixt-system", resourceVersion: `${name} ${holderIdentity}` },
    spec: { holderIdentity, leaseDurationSeconds: 6, renewTime: microTime(NOW) },
  };
}

interface Fixture {
  readonly membership: Membership;
  readonly server: LeaseServer;
  readonly clock: ManualClock;
  /** Runs it until the end of the test. */
  readonly run: () => void;
}

async function withMembership(body: (fixture: Fixture) => Promise<void> | void): Promise<void> {
  await using server = new LeaseServer();
  const clock = new ManualClock(NOW);
  const membership = new Membership({
    client: server.client(),
    trouble: new Trouble(() => {}),
    node: "a",
    nodeObject: () => ({ apiVersion: "v1", kind: "Node", metadata: { name: "a", uid: "u" } }),
    catchUp: () => Promise.resolve(),
    onChange: () => {},
    log: () => {},
    clock,
    random: () => 0,
  });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  try {
    await body({ membership, server, clock, run: () => running = membership.run(stop.signal) });
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

Deno.test("Membership leaves announcements as they are until it has read who lives", async () => {
  await withMembership(({ membership }) => {
    assertEquals(membership.announced(SERVICES), "unchanged");
    membership.replace("Lease", [lease("blixt-node-a", "a")]);
    assertEquals(membership.announced(SERVICES), ALL);
    membership.set("Lease", lease("blixt-node-a", ""));
    assertEquals(membership.announced(SERVICES), []);
  });
});

Deno.test("Membership does not take the leader's Lease for a node's", async () => {
  await withMembership(({ membership }) => {
    membership.replace("Lease", [lease(LEADER_LEASE_NAME, "a_1"), lease("blixt-node-a", "a")]);
    assertEquals(membership.announced(SERVICES), ALL);
    membership.delete("Lease", `blixt-system/${LEADER_LEASE_NAME}`);
    assertEquals(membership.announced(SERVICES), ALL);
    membership.delete("Lease", "blixt-system/blixt-node-a");
    assertEquals(membership.announced(SERVICES), []);
  });
});

Deno.test("Membership has a Lease of its node, and stands for election, once the kernel has taken everything", async () => {
  await withMembership(async ({ membership, server, run }) => {
    run();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(server.leases.size, 0);
    membership.ready();
    await until(() => membership.leads && server.leases.has("blixt-node-a"));
    await membership.leave();
    assertEquals(server.leases.get("blixt-node-a")?.spec?.holderIdentity, "");
  });
});

Deno.test("Membership stands for election after ten seconds without that, for somebody has to say so", async () => {
  await withMembership(async ({ membership, server, clock, run }) => {
    run();
    await clock.advance(9_900);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(membership.leads, false);
    await clock.advance(200);
    await until(() => membership.leads);
    assertEquals([...server.leases.keys()], [LEADER_LEASE_NAME]);
  });
});
