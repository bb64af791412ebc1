// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type Sample, summarize } from "./summary.ts";

function sample(contender: string, round: number, reading: Record<string, number>, services = 1): Sample {
  return { contender, services, round, reading };
}

Deno.test("summarize() compares round by round, so that a drift of the machine cancels out", () => {
  const samples = [10, 20, 40].flatMap((speed, round) => [
    sample("routing", round, { throughput1: speed }),
    sample("blixt", round, { throughput1: 1.5 * speed }),
  ]);
  assertEquals(summarize(samples, "routing"), [
    {
      contender: "routing",
      services: 1,
      metric: "throughput1",
      median: 20,
      min: 10,
      max: 40,
      times: { median: 1, min: 1, max: 1 },
    },
    {
      contender: "blixt",
      services: 1,
      metric: "throughput1",
      median: 30,
      min: 15,
      max: 60,
      times: { median: 1.5, min: 1.5, max: 1.5 },
    },
  ]);
});

Deno.test("summarize() calls half the latency twice as good", () => {
  const samples = [sample("routing", 0, { p50: 20 }), sample("blixt", 0, { p50: 10 })];
  assertEquals(summarize(samples, "routing").map(({ times }) => times?.median), [1, 2]);
});

Deno.test("summarize() compares with the baseline of the same number of services, if there is one", () => {
  const samples = [
    sample("routing", 0, { p50: 20 }, 1),
    sample("blixt", 0, { p50: 20 }, 1),
    sample("blixt", 0, { p50: 20 }, 1_000),
  ];
  assertEquals(summarize(samples, "routing").map(({ services, times }) => [services, times?.median]), [
    [1, 1],
    [1, 1],
    [1_000, undefined],
  ]);
});
