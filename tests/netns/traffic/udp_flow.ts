// SPDX-License-Identifier: Apache-2.0

import { createSocket, type Socket } from "node:dgram";
import { delay } from "@std/async/delay";
import { joinHostPort } from "../addresses.ts";
import { type Answer, parseAnswer } from "./answer.ts";
import { failureName, FlowError, type FlowPlan, within } from "./flow.ts";
import type { FlowOutcome } from "./report.ts";

interface Datagram {
  readonly text: string;
  readonly source: string;
}

/**
 * One UDP socket and the datagrams of its flow. The socket is not connected, so
 * that an answer from a wrong address is seen and not thrown away. Never throws:
 * a failure is part of the outcome.
 */
export async function runUdpFlow(plan: FlowPlan): Promise<FlowOutcome> {
  const answers: Answer[] = [], sources: string[] = [];
  let local: string | undefined, failure: string | undefined;
  let slowest = 0;
  const socket = createSocket(plan.to.includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, plan.from, resolve);
    });
    local = joinHostPort(socket.address().address, socket.address().port);
    for (let message = 0; message < plan.messages && !(message > 0 && plan.isOver()); message++) {
      if (message > 0) await delay(plan.interval);
      const asked = performance.now();
      const arrived = nextDatagram(socket);
      socket.send("who\n", plan.port, plan.to);
      const { text, source } = await within(plan.timeout, arrived);
      slowest = Math.max(slowest, performance.now() - asked);
      const answer = parseAnswer(text);
      if (answer === undefined) throw new FlowError("Garbled");
      answers.push(answer);
      sources.push(source);
      if (message === 0) await plan.holdOpen();
    }
  } catch (error) {
    failure = failureName(error);
    if (answers.length === 0) await plan.holdOpen();
  }
  socket.close();
  return {
    answers,
    sources,
    connect: 0,
    slowest,
    ...(local === undefined ? {} : { local }),
    ...(failure === undefined ? {} : { failure }),
  };
}

function nextDatagram(socket: Socket): Promise<Datagram> {
  return new Promise((resolve) => {
    socket.once("message", (data, { address, port }) => {
      resolve({ text: data.toString(), source: joinHostPort(address, port) });
    });
  });
}
