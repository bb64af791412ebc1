// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertMatch } from "@std/assert";
import { CODE } from "./error.ts";
import { type Attachment, type AttachResult, HOOK } from "./messages.ts";
import { load, NAME, refused, type Scenario, type Subject } from "./scenario.ts";
import { smallerObject } from "./scenario_object.ts";

const MISSING = 4_000_000;

function ingress(ifindex: number): Attachment {
  return { program: "ingress", hook: HOOK.TCX_INGRESS, ifindex };
}

async function errors(subject: Subject, ...attachments: Attachment[]): Promise<string[]> {
  const results = await subject.client().attach({ name: NAME, attachments });
  assertEquals(results.map((result) => result.attachment), attachments);
  return results.map((result) => result.error);
}

async function attached(subject: Subject): Promise<readonly Attachment[]> {
  const { objects } = await subject.client().probe();
  return objects.flatMap((object) => object.attachments);
}

async function refusals(subject: Subject): Promise<readonly AttachResult[]> {
  const { objects } = await subject.client().probe();
  return objects.flatMap((object) => object.refused);
}

/** Attach and Detach. */
export const attachScenarios: readonly Scenario[] = [
  {
    name: "Attach hangs a program at an interface once, however often it is asked",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      assertEquals(await errors(subject, ingress(ifindex)), [""]);
      assertEquals(await errors(subject, ingress(ifindex), ingress(ifindex)), ["", ""]);
      assertEquals(await attached(subject), [ingress(ifindex)]);
    },
  },
  {
    name: "Attach answers for each attachment, so a bad one does not keep the good ones",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const [missing, good, unknown, wrong, nowhere] = await errors(
        subject,
        ingress(MISSING),
        ingress(ifindex),
        { ...ingress(ifindex), program: "nothing" },
        { ...ingress(ifindex), program: "early" },
        { ...ingress(ifindex), hook: HOOK.UNSPECIFIED },
      );
      assertMatch(missing ?? "", /interface 4000000.*the interface does not exist/);
      assertEquals(good, "");
      assertMatch(unknown ?? "", /no program "nothing"; it has early, ingress/);
      assertMatch(wrong ?? "", /Program early cannot hang.*another type/);
      assertMatch(nowhere ?? "", /no known hook/);
      assertEquals(await attached(subject), [ingress(ifindex)]);
    },
  },
  {
    name: "Attach hangs an XDP program at the generic hook",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const early: Attachment = { program: "early", hook: HOOK.XDP_GENERIC, ifindex };
      assertEquals(await errors(subject, early), [""]);
      assertEquals(await attached(subject), [early]);
    },
  },
  {
    name: "What was refused is told until it is given up, apart from interfaces that are not there",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const generic: Attachment = { program: "early", hook: HOOK.XDP_GENERIC, ifindex };
      const driver: Attachment = { ...generic, hook: HOOK.XDP_DRIVER };
      // An interface has one XDP program.
      const [, error = ""] = await errors(subject, generic, driver, ingress(MISSING));
      assertMatch(error, /another XDP program is there/);
      assertEquals(await refusals(subject), [{ attachment: driver, error }]);
      await subject.client().detach({ name: NAME, attachments: [driver] });
      assertEquals(await refusals(subject), []);
    },
  },
  {
    name: "Detach takes a program off, and is no error where none hangs",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      await errors(subject, ingress(ifindex));
      const client = subject.client();
      await client.detach({ name: NAME, attachments: [ingress(ifindex), ingress(MISSING)] });
      await client.detach({ name: NAME, attachments: [ingress(ifindex)] });
      assertEquals(await attached(subject), []);
      const bad = { ...ingress(ifindex), hook: HOOK.UNSPECIFIED };
      await refused(
        client.detach({ name: NAME, attachments: [bad] }),
        CODE.INVALID_ARGUMENT,
        /no known hook/,
      );
    },
  },
  {
    name: "Attachments outlive a restart of the loader and the next version of the object",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      await errors(subject, ingress(ifindex));
      await subject.restart();
      assertEquals(await attached(subject), [ingress(ifindex)]);
      const { attachments } = await load(subject, smallerObject());
      assertEquals(attachments, [ingress(ifindex)]);
    },
  },
  {
    name: "A version without a program takes it off",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const early: Attachment = { program: "early", hook: HOOK.XDP_GENERIC, ifindex };
      await errors(subject, early, ingress(ifindex));
      await load(subject, smallerObject());
      assertEquals(await attached(subject), [ingress(ifindex)]);
    },
  },
  {
    name: "An attachment goes with its interface",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      await errors(subject, ingress(ifindex));
      await subject.removeInterface("bx-a");
      assertEquals(await attached(subject), []);
    },
  },
  {
    name: "Unload takes every attachment off",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      await errors(subject, ingress(ifindex));
      await subject.client().unload(NAME);
      assertEquals((await load(subject)).attachments, []);
    },
  },
];
