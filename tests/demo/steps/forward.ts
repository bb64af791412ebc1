// SPDX-License-Identifier: Apache-2.0

import {
  CLIENT,
  FAMILIES,
  type Family,
  GATEWAY,
  joinHostPort,
  LISTENER_PORT,
  PROTOCOLS,
} from "../../netns/addresses.ts";
import { checkShares, sendBursts } from "../bursts.ts";
import type { DemoContext, Step } from "../context.ts";

/** Everything at once: both protocols, both families, weights, addresses as they should be. */
export const forward: Step = {
  title: "Traffic to the Gateway: echo-stable (b1, b2) has weight 80, echo-canary (b3) 20",
  run: async (context) => {
    const bursts = await sendBursts(context);
    checkShares(context, bursts, { b1: 0.4, b2: 0.4, b3: 0.2 });
    for (const family of FAMILIES) {
      const reports = bursts.filter((burst) => burst.family === family);
      const sources = reports.map(({ report }) => report.sources.join(" and "));
      context.checks.check(
        reports.every(({ protocol }, index) =>
          sources[index] === joinHostPort(GATEWAY[family], LISTENER_PORT[protocol])
        ),
        "Replies come from the Gateway's address, not from the host's by masquerade",
        sources.join(", "),
      );
      const disguised = reports.reduce((sum, { report }) => sum + report.disguised, 0);
      const seen = new Set(reports.flatMap(({ report }) => Object.values(report.clients).flat()));
      context.checks.check(
        disguised === 0 && seen.size === 1 && seen.has(CLIENT[family]),
        "Every backend saw the client's own address and port",
        [...seen].join(", "),
      );
      await askWithSocat(context, family);
    }
  },
};

/** A program that knows nothing of Blixt or this demo. */
async function askWithSocat({ topology, checks }: DemoContext, family: Family): Promise<void> {
  const answers: string[] = [];
  for (const protocol of PROTOCOLS) {
    const target = `${protocol.toUpperCase()}:${joinHostPort(GATEWAY[family], LISTENER_PORT[protocol])}`;
    const { stdout } = await topology.client.run(["socat", "-t", "1", "-", target], {
      input: "who\n",
      tolerant: true,
    });
    answers.push(`${target} ${stdout.trim() || "no answer"}`);
  }
  checks.check(
    answers.every((answer) => / b\d /.test(answer)),
    "socat gets its answers too",
    answers.join("; "),
  );
}
