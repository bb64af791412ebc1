// SPDX-License-Identifier: Apache-2.0

/**
 * Opens many flows, asks who is there and prints what became of them, as one
 * line of JSON (FlowReport); with --hold or --seconds also "open", once all are open
 * or every lane had its first flow.
 *
 *   flows.ts --protocol tcp|udp --to ADDRESS --port PORT [--from ADDRESS] [--flows 1] [--messages 1]
 *            [--interval MS] [--concurrency 64] [--hold] [--wait] [--spread MS] [--seconds S] [--timeout MS]
 *
 * --messages     questions asked in each flow, --interval milliseconds apart; with --hold fewer after SIGUSR1
 * --concurrency  flows at most between their start and their end
 * --hold         opens all flows before the first one closes; --concurrency then counts those without an answer
 * --wait         with --hold: none goes on before SIGUSR1
 * --spread       time over which the flows' beginnings are spread, in milliseconds; 0 by default
 * --seconds      opens flow after flow for so long or until SIGUSR1, in place of --flows; each waits --interval before
 *                it begins
 * --timeout      milliseconds to wait for a connection and for each answer; 20,000 by default
 */

import { delay } from "@std/async/delay";
import { parseArgs } from "@std/cli/parse-args";
import { type FlowOutcome, summarize } from "./report.ts";
import { runTcpFlow } from "./tcp_flow.ts";
import { runUdpFlow } from "./udp_flow.ts";

const options = parseArgs(Deno.args, {
  string: [
    "protocol",
    "to",
    "from",
    "port",
    "flows",
    "messages",
    "interval",
    "concurrency",
    "seconds",
    "spread",
    "timeout",
  ],
  boolean: ["hold", "wait"],
  default: { flows: "1", messages: "1", interval: "0", concurrency: "64", spread: "0", timeout: "20000" },
});
const flows = Number(options.flows);
const interval = Number(options.interval);
const runFlow = options.protocol === "udp" ? runUdpFlow : runTcpFlow;

let starting = 0;
let held = 0;
const waiting: (() => void)[] = [];
const { promise: allHeld, resolve: openGate } = Promise.withResolvers<void>();
const { promise: told, resolve: tell } = Promise.withResolvers<void>();
let isTold = false;
Deno.addSignalListener("SIGUSR1", () => {
  isTold = true;
  tell();
});

/** Waits until fewer flows than --concurrency are between their start and their first answer. */
async function mayStart(): Promise<void> {
  if (starting >= Number(options.concurrency)) await new Promise<void>((resolve) => waiting.push(resolve));
  starting++;
}

function hasStarted(): void {
  starting--;
  waiting.shift()?.();
}

/** The point after the first answer where, with --hold, a flow waits for all others. */
async function holdOpen(index: number): Promise<void> {
  if (!options.hold) return;
  hasStarted();
  if (++held === flows) {
    console.log("open");
    openGate();
  }
  await allHeld;
  if (options.wait) await told;
  // A burst from all flows at once would only measure the backends' receive buffers.
  await delay(interval * index / flows);
}

function run(holdHere: () => Promise<void>): Promise<FlowOutcome> {
  return runFlow({
    to: options.to ?? "",
    from: options.from,
    port: Number(options.port),
    messages: Number(options.messages),
    interval,
    timeout: Number(options.timeout),
    isOver: () => options.hold && !options.wait && isTold,
    holdOpen: holdHere,
  });
}

/** As many flows as asked for. */
async function runMany(): Promise<FlowOutcome[]> {
  return await Promise.all(Array.from({ length: flows }, async (_, index) => {
    await delay(Number(options.spread) * index / flows);
    await mayStart();
    const outcome = await run(() => holdOpen(index));
    if (!options.hold) hasStarted();
    return outcome;
  }));
}

/** Flows one after another in each of --concurrency lanes until time is up. */
async function runFor(seconds: number): Promise<FlowOutcome[]> {
  const concurrency = Number(options.concurrency);
  let end = performance.now() + 1000 * seconds;
  told.then(() => end = 0);
  let begun = 0;
  const lanes = Array.from({ length: concurrency }, async () => {
    const outcomes: FlowOutcome[] = [];
    while (performance.now() < end) {
      await delay(interval);
      outcomes.push(await run(() => Promise.resolve()));
      if (outcomes.length === 1 && ++begun === concurrency) console.log("open");
    }
    return outcomes;
  });
  return (await Promise.all(lanes)).flat();
}

const outcomes = options.seconds === undefined ? await runMany() : await runFor(Number(options.seconds));
console.log(JSON.stringify(summarize(outcomes)));
Deno.exit(0);
