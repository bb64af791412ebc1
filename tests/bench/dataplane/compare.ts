// SPDX-License-Identifier: Apache-2.0

import type { StepRunner } from "../../../controlplane/tasks/requirement.ts";
import type { Contender } from "./contender.ts";
import { cpuTime } from "./cpu.ts";
import { type Measure, MEASURES } from "./measure.ts";
import { settle } from "./settle.ts";
import { buildStand, type Stand } from "./stand.ts";
import type { Sample } from "./summary.ts";

/** What to compare. */
export interface Comparison {
  readonly contenders: readonly Contender[];
  /** How many services each has. */
  readonly services: number;
  readonly rounds: number;
  readonly seconds: number;
  /** Milliseconds until a contender must forward; a minute by default. */
  readonly patience?: number;
}

/**
 * Measures all contenders in turn, round after round, each one with every measurement. All stands are there at the
 * same time, and idle but for one. Throws where a contender does not do its work.
 */
export async function compare(comparison: Comparison, step: StepRunner): Promise<Sample[]> {
  const { contenders, services, rounds, seconds, patience = 60_000 } = comparison;
  await using stack = new AsyncDisposableStack();
  const stands: Stand[] = [];
  for (const contender of contenders) {
    const name = `setting up ${contender.title} with ${services} services`;
    stands.push(stack.use(await step(name, () => buildStand(contender, services, patience))));
  }
  const programs = stands.flatMap((stand) => stand.programs);
  await step("waiting until all of them rest", () => settle(() => cpuTime(programs)));
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    await step(`round ${round + 1} of ${rounds} with ${services} services`, async () => {
      for (const measure of MEASURES) {
        for (const stand of inTurn(stands, round)) {
          if (measure.udp === true && stand.contender.noUdp !== undefined) continue;
          const reading = await measureOne(measure, stand, seconds);
          samples.push({ contender: stand.contender.name, services, round, reading });
        }
      }
    });
  }
  return samples;
}

async function measureOne(measure: Measure, stand: Stand, seconds: number): Promise<Sample["reading"]> {
  try {
    return await measure.run(stand, seconds);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${stand.contender.title}, ${measure.name}: ${why}`, { cause: error });
  }
}

/** Each round begins with another one, so that none always comes after the same neighbour's end. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const first = all.length === 0 ? 0 : round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
