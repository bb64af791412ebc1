// SPDX-License-Identifier: Apache-2.0

// All sorts of traffic at once, for what nobody may notice.

import { assert, assertEquals } from "@std/assert";
import type { Family } from "./addresses.ts";
import type { Background } from "./background.ts";
import type { Topology } from "./topology.ts";
import { endFlows, flowsOpen, hurry, readReport, startFlows, startTransfer } from "./traffic.ts";
import type { FlowReport } from "./traffic/report.ts";
import type { TransferReport } from "./traffic/transfer.ts";

/** Seconds that all of it would take if nobody ended it: however long a change takes, the load is there before, meanwhile and after. */
const SECONDS = 120;

/** Milliseconds between two datagrams of a flow. */
const INTERVAL = 100;

/** Traffic over one family. */
export interface Load {
  readonly transfers: readonly Background[];
  readonly storm: Background;
  readonly datagrams: Background;
}

/** Starts long transfers both ways, connection after connection, and flows of datagrams; returns when all are under way. */
export async function startLoad(
  topology: Pick<Topology, "client" | "backends">,
  family: Family,
): Promise<Load> {
  const transfer = { family, bytes: 20e6, seconds: SECONDS } as const;
  const storm = startFlows(topology, {
    protocol: "tcp",
    family,
    seconds: SECONDS,
    concurrency: 10,
    interval: 40,
  });
  const datagrams = startFlows(topology, {
    protocol: "udp",
    family,
    flows: 50,
    hold: true,
    messages: 1_000 * SECONDS / INTERVAL,
    interval: INTERVAL,
  });
  const [put, get] = await Promise.all([
    startTransfer(topology, { direction: "put", ...transfer }),
    startTransfer(topology, { direction: "get", ...transfer }),
    flowsOpen(storm),
    flowsOpen(datagrams),
  ]);
  return { transfers: [put, get], storm, datagrams };
}

/**
 * Ends the load; no connection failed, no flow changed its backend, no byte is another one. Whether SYNs were lost on
 * the way {@link countRepeatedSyns} tells.
 */
export async function assertUnharmed({ transfers, storm, datagrams }: Load): Promise<void> {
  [storm, datagrams].forEach(endFlows);
  transfers.forEach(hurry);
  const stormed = await readReport<FlowReport>(storm);
  assertEquals([stormed.answered, stormed.failures], [stormed.flows, {}]);
  // Ten were through before it was said to be open.
  assert(stormed.flows > 10, `a storm of ${stormed.flows} connections`);
  const told = await readReport<FlowReport>(datagrams);
  assertEquals([told.answered, told.moved, told.failures], [50, 0, {}]);
  for (const transfer of transfers) {
    const { unharmed } = await readReport<TransferReport>(transfer);
    assert(unharmed, "the transfer arrived changed");
  }
}
