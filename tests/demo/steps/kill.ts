// SPDX-License-Identifier: Apache-2.0

import type { Family } from "../../netns/addresses.ts";
import { Blixt } from "../../netns/blixt.ts";
import { hurry, readReport, sendFlows, startFlows, startTransfer } from "../../netns/traffic.ts";
import type { FlowReport } from "../../netns/traffic/report.ts";
import type { TransferReport } from "../../netns/traffic/transfer.ts";
import { checkShares, sendBursts } from "../bursts.ts";
import { type DemoContext, label, type Step } from "../context.ts";

const MEGABYTES = 64;
/** Longer than the kill, the time without any process and the next start take on any machine. */
const PATIENCE = 120;
/** How long datagrams are sent. */
const SECONDS = 9;

/** Nobody is there but the kernel, and no flow notices. */
export const kill: Step = {
  title: "Loader and control plane are killed with SIGKILL in the middle of long transfers",
  run: async (context) => {
    const { topology, checks, monitor, manifests } = context;
    const bulk = { bytes: MEGABYTES * 1_000_000, seconds: PATIENCE };
    const transfers = await Promise.all([
      startTransfer(topology, { ...bulk, direction: "put", family: "ipv4" }),
      startTransfer(topology, { ...bulk, direction: "get", family: "ipv6" }),
    ]);
    const messages = 10 * SECONDS;
    const udp = startFlows(topology, { protocol: "udp", family: "ipv4", messages, interval: 100 });

    await context.blixt.killAll();
    const reports = await Promise.all([
      sendFlows(topology, { protocol: "tcp", family: "ipv4", flows: 200 }),
      sendFlows(topology, { protocol: "udp", family: "ipv6", flows: 200 }),
    ]);
    const answered = reports.reduce((sum, report) => sum + report.answered, 0);
    checks.check(
      answered === 400,
      "With no process of Blixt left, new flows are answered all the same",
      `${answered} of 400`,
    );

    context.blixt = await Blixt.start(topology.host, { manifests: manifests.path });
    const underWay = transfers.every(({ lines }) => !lines.some((line) => line.startsWith("{")));
    checks.check(
      underWay && context.blixt.program.lines.some((line) => line.includes("took over")),
      "The next start takes over what is in the kernel, the transfers still under way",
      transfers.map(({ lines }) => lines.at(-1)).join(", "),
    );
    transfers.forEach(hurry);

    await monitor.watch(async () => {
      const [put, get] = await Promise.all(transfers.map((transfer) => readReport<TransferReport>(transfer)));
      checkTransfer(context, "upload", "ipv4", put!);
      checkTransfer(context, "download", "ipv6", get!);
      const report = await readReport<FlowReport>(udp);
      checks.check(
        report.answered === 1 && report.moved === 0,
        `${label("udp", "ipv4")}: each of ${messages} datagrams was answered, by one backend`,
        Object.keys(report.backends).join(", "),
      );
    });
    checkShares(context, await sendBursts(context), { b1: 0.2, b3: 0.8 });
  },
};

function checkTransfer({ checks }: DemoContext, what: string, family: Family, report: TransferReport): void {
  checks.check(
    report.unharmed,
    `${label("tcp", family)}: the ${what} of ${MEGABYTES} MB finished unharmed`,
    `SHA-256 ${report.sent.slice(0, 12)}… sent, ${report.received.slice(0, 12)}… received`,
  );
}
