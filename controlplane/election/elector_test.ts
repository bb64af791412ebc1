// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import type { Lease } from "../api/lease.ts";
import { ManualClock } from "../manual_clock.ts";
import { Trouble } from "../source/apiserver/trouble.ts";
import { Elector, type ElectorOptions, LEADER_LEASE_NAME } from "./elector.ts";
import { LeaseServer } from "./lease_server.ts";

/** A process that stands for election and has a clock of its own: one whose clock stands still is dead. */
class Candidate implements AsyncDisposable {
  readonly clock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly changes: boolean[] = [];
  readonly log: string[] = [];
  readonly elector: Elector;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(readonly server: LeaseServer, identity: string, more: Partial<ElectorOptions> = {}) {
    this.elector = new Elector({
      client: server.client(),
      trouble: new Trouble((line) => this.log.push(line)),
      identity,
      onChange: (leading) => this.changes.push(leading),
      clock: this.clock,
      random: () => 0,
      ...more,
    });
    this.#running = this.elector.run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("over"));
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Lets real answers come in. */
async function breathe(candidates: readonly Candidate[]): Promise<void> {
  for (const { server } of candidates) await server.idle();
}

/** Lets so many seconds go by for these candidates. */
async function pass(seconds: number, ...candidates: Candidate[]): Promise<void> {
  for (let half = 0; half < seconds * 2; half++) {
    await breathe(candidates);
    for (const { clock } of candidates) await clock.advance(500);
    await breathe(candidates);
    assert(candidates.filter(({ elector }) => elector.isLeading).length <= 1, "at most one leads");
  }
}

const leaseOf = (server: LeaseServer): Lease["spec"] => server.leases.get(LEADER_LEASE_NAME)?.spec;

Deno.test("Elector takes a Lease that is not there, with the fields of client-go", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  assert(a.elector.isLeading);
  assertEquals(leaseOf(server), {
    holderIdentity: "a",
    leaseDurationSeconds: 15,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
  await pass(4, a);
  assertEquals(leaseOf(server)?.acquireTime, "2026-01-01T00:00:00.000000Z");
  assertEquals(leaseOf(server)?.renewTime, "2026-01-01T00:00:04.000000Z");
  assertEquals(a.changes, [true]);
});

Deno.test("Elector takes the Lease of a leader that is dead after 15 seconds, not before", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  await using b = new Candidate(server, "b");
  await pass(14.5, b);
  assertEquals(leaseOf(server)?.holderIdentity, "a");
  await pass(1.5, b);
  assert(b.elector.isLeading);
  assertEquals([leaseOf(server)?.holderIdentity, leaseOf(server)?.leaseTransitions], ["b", 1]);
  // Awake again, it knows by its clock before it has asked anybody.
  await a.clock.advance(10_000);
  assert(!a.elector.isLeading);
  await pass(4, a);
  assertEquals(a.changes, [true, false]);
});

Deno.test("Elector leaves a leader that renews alone", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  await using b = new Candidate(server, "b");
  await pass(60, a, b);
  assert(a.elector.isLeading);
  assertEquals(b.changes, []);
  assertEquals(leaseOf(server)?.leaseTransitions, 0);
});

Deno.test("Elector gives the Lease back at a graceful stop, and who watches takes it at once", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  await using b = new Candidate(server, "b");
  await pass(1, a, b);
  await a.stop();
  assertEquals([leaseOf(server)?.holderIdentity, a.elector.isLeading], ["", false]);
  b.elector.observe(server.leases.get(LEADER_LEASE_NAME));
  await pass(0.5, b);
  assert(b.elector.isLeading);
});

Deno.test("Elector stops leading after ten seconds without the API server, before another can begin", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  await using b = new Candidate(server, "b");
  await pass(1, a, b);
  server.away = true;
  await pass(9, a, b);
  assert(a.elector.isLeading, "the server may come back");
  await pass(2, a, b);
  assert(!a.elector.isLeading);
  assertEquals(a.changes, [true, false]);
  assertEquals(
    a.log[0],
    "Leader election is held up: API server refused PATCH " +
      "/apis/coordination.k8s.io/v1/namespaces/blixt-system/leases/blixt: no (503)",
  );
  server.away = false;
  await pass(20, a, b);
  assertEquals([a, b].filter(({ elector }) => elector.isLeading).length, 1);
  assertEquals(a.log.at(-1)?.startsWith("Over: "), true);
});

Deno.test("Elector leads again as soon as the API server is back when nobody took its Lease meanwhile", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  server.away = true;
  await pass(11, a);
  assert(!a.elector.isLeading);
  server.away = false;
  await pass(3, a);
  assert(a.elector.isLeading);
  assertEquals(a.changes, [true, false, true]);
});

Deno.test("Elector goes on leading when somebody puts a label on the Lease, which stays", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  server.edit(
    LEADER_LEASE_NAME,
    (lease) => ({ ...lease, metadata: { ...lease.metadata, labels: { by: "hand" } } }),
  );
  await pass(4, a);
  assertEquals(a.changes, [true]);
  assertEquals(server.leases.get(LEADER_LEASE_NAME)?.metadata.labels, { by: "hand" });
  assertEquals(leaseOf(server)?.renewTime, "2026-01-01T00:00:04.000000Z");
});

Deno.test("Elector stops leading when the Lease has another holder", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  server.edit(LEADER_LEASE_NAME, (lease) => ({ ...lease, spec: { ...lease.spec, holderIdentity: "x" } }));
  await pass(2, a);
  assertEquals(a.changes, [true, false]);
  assertEquals(leaseOf(server)?.holderIdentity, "x");
});

Deno.test("Elector goes on leading when somebody deletes the Lease, which others then leave alone", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  await using b = new Candidate(server, "b");
  await pass(1, a, b);
  server.leases.delete(LEADER_LEASE_NAME);
  b.elector.observe(undefined);
  await pass(20, a, b);
  assertEquals([a.changes, b.changes], [[true], []]);
  assertEquals(leaseOf(server)?.holderIdentity, "a");
});

Deno.test("Elector makes a Lease that was deleted anew once its leader must have stopped, not before", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  await using b = new Candidate(server, "b");
  await pass(1, b);
  server.leases.delete(LEADER_LEASE_NAME);
  b.elector.observe(undefined);
  await pass(12, b);
  assertEquals(b.changes, []);
  await pass(4, b);
  assertEquals([b.changes, leaseOf(server)?.holderIdentity], [[true], "b"]);
});

Deno.test("Elector asks no more often than usual when the namespace is gone with the Lease", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  const { posts } = server;
  server.homeless = true;
  server.leases.delete(LEADER_LEASE_NAME);
  await pass(20, a);
  assertEquals(a.changes, [true, false]);
  assert(server.posts - posts <= 11, `${server.posts - posts}`);
});

Deno.test("Elector does not lead before it is prepared, tries that again, and renews meanwhile", async () => {
  await using server = new LeaseServer();
  let attempts = 0;
  await using a = new Candidate(server, "a", {
    prepare: () => ++attempts < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve(),
  });
  await pass(3, a);
  assertEquals([attempts, a.elector.isLeading], [2, false]);
  assertEquals(leaseOf(server)?.renewTime, "2026-01-01T00:00:02.000000Z");
  await pass(2, a);
  assertEquals([attempts, a.elector.isLeading], [3, true]);
});

Deno.test("Elector waits on after a watch has shown a renewal that it did not ask for", async () => {
  await using server = new LeaseServer();
  await using a = new Candidate(server, "a");
  await pass(1, a);
  await using b = new Candidate(server, "b");
  await pass(10, b);
  const writes = server.writes;
  await pass(2, a);
  b.elector.observe(server.leases.get(LEADER_LEASE_NAME));
  await pass(14, b);
  assertEquals(b.changes, []);
  assertEquals(server.writes, writes + 1, "but the renewal of the leader");
});
