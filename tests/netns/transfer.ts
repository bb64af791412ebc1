// SPDX-License-Identifier: Apache-2.0

import { assert } from "@std/assert";
import { readReport, startTransfer } from "./traffic.ts";
import type { TransferReport } from "./traffic/transfer.ts";
import type { TwoNodes } from "./two_nodes.ts";

/** A transfer to a pod whose hash is compared; `meanwhile` happens when its first bytes are through. */
export async function transfer(
  nodes: TwoNodes,
  options: { family: "ipv4" | "ipv6"; bytes?: number; seconds?: number; direction?: "put" | "get" },
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { direction = "put", bytes = 8_000_000, seconds = 1, family } = options;
  const running = await startTransfer(nodes, { direction, family, bytes, seconds });
  await meanwhile();
  const report = await readReport<TransferReport>(running);
  assert(report.unharmed, `${direction} over ${family}: ${JSON.stringify(report)}`);
}
