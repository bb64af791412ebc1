// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { CODE } from "./error.ts";
import { load, NAME, refused, type Scenario } from "./scenario.ts";

const frame = new Uint8Array(60);

/** Run. */
export const runScenarios: readonly Scenario[] = [
  {
    name: "Run answers what the program returned for each frame",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const run = (frames: Uint8Array[]): Promise<readonly number[]> =>
        subject.client().run({ name: NAME, program: "ingress", ifindex, frames });
      assertEquals(await run([frame, frame]), [0, 0]);
      assertEquals(await run([]), []);
    },
  },
  {
    name: "Run refuses what is no classifier, no program, no interface, no frame",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const run = (program: string, at: number, bytes: Uint8Array): Promise<unknown> =>
        subject.client().run({ name: NAME, program, ifindex: at, frames: [bytes] });
      await refused(run("early", ifindex, frame), CODE.INVALID_ARGUMENT, /Program early cannot be run/);
      await refused(
        run("nothing", ifindex, frame),
        CODE.NOT_FOUND,
        /no program "nothing"; it has early, ingress/,
      );
      await refused(run("ingress", 4_000_000, frame), CODE.INVALID_ARGUMENT, /no such interface/);
      await refused(run("ingress", ifindex, frame.subarray(0, 5)), CODE.INVALID_ARGUMENT, /too short/);
    },
  },
];
