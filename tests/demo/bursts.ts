// SPDX-License-Identifier: Apache-2.0

import { FAMILIES, type Family, type L4, PROTOCOLS } from "../netns/addresses.ts";
import { sendFlows } from "../netns/traffic.ts";
import type { FlowReport } from "../netns/traffic/report.ts";
import { type DemoContext, label } from "./context.ts";
import { judgeShares, type Shares } from "./shares.ts";

/** Flows of each protocol and IP family in one burst. */
const FLOWS = 1_000;

/** Milliseconds that a burst takes, so that there is something to watch. */
const SPREAD = 2_500;

/** One burst of flows, and what became of it. */
export interface Burst {
  readonly protocol: L4;
  readonly family: Family;
  readonly report: FlowReport;
}

/** Sends new flows of both protocols and both families at once, with the table in view. */
export async function sendBursts({ topology, monitor }: DemoContext): Promise<Burst[]> {
  const kinds = PROTOCOLS.flatMap((protocol) => FAMILIES.map((family) => ({ protocol, family })));
  return await monitor.watch(() =>
    Promise.all(kinds.map(async ({ protocol, family }) => {
      const report = await sendFlows(topology, {
        protocol,
        family,
        flows: FLOWS,
        concurrency: 8,
        spread: SPREAD,
      });
      monitor.note(report, family);
      return { protocol, family, report };
    }))
  );
}

/** Checks for every burst that all flows were answered, by the backends in the shares expected. */
export function checkShares({ checks }: DemoContext, bursts: readonly Burst[], expected: Shares): void {
  for (const { protocol, family, report } of bursts) {
    const { holds, seen } = judgeShares(report, expected);
    const all = report.answered === report.flows;
    const lost = all ? "" : `; ${report.flows - report.answered} lost: ${JSON.stringify(report.failures)}`;
    checks.check(
      holds && all,
      `${label(protocol, family)}: ${report.answered} flows answered, ${formatShares(expected)}`,
      seen + lost,
    );
  }
}

function formatShares(shares: Shares): string {
  return Object.entries(shares).map(([name, share]) => `${name} ${Math.round(100 * share)} %`).join(", ");
}
