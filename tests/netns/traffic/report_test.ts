// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type FlowOutcome, summarize } from "./report.ts";

const good: FlowOutcome = {
  backends: ["b1", "b1"],
  clients: ["198.51.100.2:4000", "198.51.100.2:4000"],
  local: "198.51.100.2:4000",
  sources: ["192.0.2.10:80"],
  connect: 1.4,
  answer: 2.6,
};

Deno.test("summarize() counts flows by backend, client and source", () => {
  assertEquals(summarize([good, { ...good, backends: ["b2"], answer: 7 }]), {
    flows: 2,
    answered: 2,
    backends: { b1: 1, b2: 1 },
    clients: ["198.51.100.2"],
    disguised: 0,
    moved: 0,
    sources: ["192.0.2.10:80"],
    failures: {},
    slowestConnect: 1,
    slowestAnswer: 7,
  });
});

Deno.test("summarize() sees flows that moved, changed clients and failures", () => {
  const { moved, disguised, answered, failures } = summarize([
    { ...good, backends: ["b1", "b2"] },
    { ...good, clients: ["198.51.100.2:4001"] },
    { ...good, backends: [], clients: [], failure: "ConnectionRefused" },
    { ...good, failure: "TimedOut" },
  ]);
  assertEquals([moved, disguised, answered], [1, 1, 2]);
  assertEquals(failures, { ConnectionRefused: 1, TimedOut: 1 });
});

Deno.test("summarize() of nothing is all zeros", () => {
  assertEquals(summarize([]).slowestConnect, 0);
});
