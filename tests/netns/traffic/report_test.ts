// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type FlowOutcome, summarize } from "./report.ts";

const answer = { backend: "b1", client: "198.51.100.2:4000" };
const good: FlowOutcome = {
  answers: [answer, answer],
  local: "198.51.100.2:4000",
  sources: ["192.0.2.10:80"],
  connect: 1.4,
  slowest: 2.6,
};

Deno.test("summarize() counts flows by backend, client and source", () => {
  assertEquals(summarize([good, { ...good, answers: [{ ...answer, backend: "b2" }], slowest: 7 }]), {
    flows: 2,
    answered: 2,
    backends: { b1: 1, b2: 1 },
    clients: { b1: ["198.51.100.2"], b2: ["198.51.100.2"] },
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
    { ...good, answers: [answer, { ...answer, backend: "b2" }] },
    { ...good, answers: [{ ...answer, client: "198.51.100.2:4001" }] },
    { ...good, answers: [], failure: "ConnectionRefused" },
    { ...good, failure: "TimedOut" },
  ]);
  assertEquals([moved, disguised, answered], [1, 1, 2]);
  assertEquals(failures, { ConnectionRefused: 1, TimedOut: 1 });
});

Deno.test("summarize() of nothing is all zeros", () => {
  assertEquals(summarize([]).slowestConnect, 0);
});
