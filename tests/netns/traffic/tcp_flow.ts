// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import { joinHostPort } from "../addresses.ts";
import { type Answer, parseAnswer } from "./answer.ts";
import { failureName, FlowError, type FlowPlan, within } from "./flow.ts";
import { LineReader } from "./line_reader.ts";
import type { FlowOutcome } from "./report.ts";

const QUESTION = new TextEncoder().encode("who\n");

/** One TCP connection, from SYN to FIN. Never throws: a failure is part of the outcome. */
export async function runTcpFlow(plan: FlowPlan): Promise<FlowOutcome> {
  const answers: Answer[] = [], sources: string[] = [];
  let local: string | undefined, failure: string | undefined, connection: Deno.TcpConn | undefined;
  let connect = 0, slowest = 0, abandoned = false;
  const began = performance.now();
  try {
    const connecting = Deno.connect({ hostname: plan.to, port: plan.port });
    // A connection that comes after its time was up must not stay open.
    connecting.then((late) => abandoned && late.close(), () => {});
    connection = await within(plan.timeout, connecting);
    connect = performance.now() - began;
    const { hostname, port } = connection.localAddr;
    local = joinHostPort(hostname, port);
    const reader = new LineReader(connection);
    for (let message = 0; message < plan.messages && !(message > 0 && plan.isOver()); message++) {
      if (message > 0) await delay(plan.interval);
      const asked = performance.now();
      await connection.write(QUESTION);
      const line = await within(plan.timeout, reader.line());
      if (line === undefined) throw new FlowError("EndOfStream");
      slowest = Math.max(slowest, performance.now() - asked);
      const answer = parseAnswer(line);
      if (answer === undefined) throw new FlowError("Garbled");
      answers.push(answer);
      sources.push(joinHostPort(connection.remoteAddr.hostname, connection.remoteAddr.port));
      if (message === 0) await plan.holdOpen();
    }
  } catch (error) {
    abandoned = connection === undefined;
    if (connect === 0) connect = performance.now() - began;
    failure = failureName(error);
    if (answers.length === 0) await plan.holdOpen();
  }
  connection?.close();
  return {
    answers,
    sources,
    connect,
    slowest,
    ...(local === undefined ? {} : { local }),
    ...(failure === undefined ? {} : { failure }),
  };
}
