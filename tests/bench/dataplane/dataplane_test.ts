// SPDX-License-Identifier: Apache-2.0

// Every contender, small: it comes up, forwards to both backends, and every measurement has a figure of it.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { buildAll } from "../../../controlplane/tasks/build.ts";
import { ensure } from "../../../controlplane/tasks/requirement.ts";
import { networkTest } from "../../netns/network_test_case.ts";
import { compare } from "./compare.ts";
import type { Contender } from "./contender.ts";
import { CONTENDERS } from "./contenders.ts";
import { benchRequirements } from "./dataplane.ts";
import { buildLoadProgram } from "./load_program.ts";
import { METRICS } from "./metric.ts";
import { routing } from "./unbalanced.ts";

let ready: Promise<void> | undefined;

async function prepare(): Promise<void> {
  await ensure(benchRequirements(CONTENDERS));
  await buildAll();
  await buildLoadProgram();
}

for (const contender of CONTENDERS) {
  networkTest(
    `${contender.title} forwards with 200 services, and every measurement has a figure`,
    async () => {
      await (ready ??= prepare());
      const comparison = { contenders: [contender], services: 200, rounds: 1, seconds: 0.1 };
      const samples = await compare(comparison, (_name, work) => work());
      const readings = Object.assign({}, ...samples.map(({ reading }) => reading)) as Record<string, number>;
      const isUdp = (name: string): boolean => ["datagrams", "cpuDatagram"].includes(name);
      const wanted = METRICS.map(({ name }) => name).filter((name) =>
        contender.noUdp === undefined || !isUdp(name)
      );
      assertEquals(Object.keys(readings).sort(), wanted.sort());
      for (const [metric, value] of Object.entries(readings)) {
        // What took no tick of the clock has cost no processor time that can be seen.
        assert(Number.isFinite(value) && (value > 0 || metric.startsWith("cpu")), `${metric} ${value}`);
      }
    },
  );
}

networkTest("a contender that forwards to one backend alone is an error, and not a result", async () => {
  await (ready ??= prepare());
  const half: Contender = {
    ...routing,
    name: "half",
    title: "half a balancer",
    balances: true,
    start: async ({ topology }) => {
      const input = "table ip half { chain c { type nat hook prerouting priority dstnat\n" +
        "ip daddr 198.18.0.1 tcp dport 9000 dnat to 10.244.0.11:9000\n}\n}\n";
      await topology.host.run(["nft", "-f", "-"], { input });
    },
  };
  const comparison = { contenders: [half], services: 1, rounds: 1, seconds: 0.1, patience: 500 };
  await assertRejects(
    () => compare(comparison, (_name, work) => work()),
    Error,
    "half a balancer does not forward: answers came from b1, not from b1, b2",
  );
});
