// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { CODE } from "./error.ts";
import { type Attachment, HOOK, type LoadedObject, ORDER } from "./messages.ts";
import { apply, dump, load, NAME, NEXT, put, refused, type Scenario, type Subject } from "./scenario.ts";
import { changedObject, scenarioObject, smallerObject } from "./scenario_object.ts";

function ingress(ifindex: number): Attachment {
  return { program: "ingress", hook: HOOK.TCX_INGRESS, ifindex };
}

function loadNext(
  subject: Subject,
  adopt: readonly string[] = [],
  object = scenarioObject(),
): Promise<LoadedObject> {
  return subject.client().load({ name: NEXT, object, adoptFrom: NAME, adopt });
}

/** Sharing maps between two objects, notes, and one object in the place of another. */
export const replaceScenarios: readonly Scenario[] = [
  {
    name: "Load shares the maps of another object that it is told to, and makes the others anew",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, put("hash", 1, 11), put("recent", 1, 11));
      const { maps } = await loadNext(subject, ["recent", "counters"]);
      const adopted = maps.filter((map) => map.adopted).map((map) => map.name).sort();
      assertEquals(adopted, ["counters", "recent"]);
      assertEquals(await dump(subject, "hash", { name: NEXT }), {});
      await apply(subject, 2, put("recent", 2, 22));
      assertEquals(Object.keys(await dump(subject, "recent", { name: NEXT })), ["01000000", "02000000"]);
      await subject.restart();
      await subject.client().unload(NAME);
      assertEquals(Object.keys(await dump(subject, "recent", { name: NEXT })), ["01000000", "02000000"]);
    },
  },
  {
    name: "Load refuses to share a map that does not fit, is not there, or has inner maps",
    run: async (subject) => {
      await load(subject);
      const cases = [
        ["array", CODE.FAILED_PRECONDITION, /Map array is pinned as .*let it Replace scenario/],
        ["tables", CODE.INVALID_ARGUMENT, /Map tables cannot be shared/],
        ["nothing", CODE.INVALID_ARGUMENT, /adopt names map "nothing"/],
      ] as const;
      for (const [name, code, sentence] of cases) {
        await refused(loadNext(subject, [name], changedObject()), code, sentence);
      }
      await load(subject, smallerObject());
      await refused(loadNext(subject, ["recent"]), CODE.NOT_FOUND, /no map "recent" that could be adopted/);
      assertEquals((await subject.client().probe()).objects.map(({ name }) => name), [NAME]);
    },
  },
  {
    name: "A note is kept with the object over restarts, until the next Load",
    run: async (subject) => {
      const note = Uint8Array.of(1, 2, 3);
      const request = { name: NAME, object: scenarioObject(), note };
      assertEquals(Uint8Array.from((await subject.client().load(request)).note), note);
      await subject.restart();
      const { objects } = await subject.client().probe();
      assertEquals(objects.map((object) => [...object.note]), [[1, 2, 3]]);
      assertEquals((await load(subject)).note.length, 0);
    },
  },
  {
    name: "Replace gives an object the name, the maps and the attachments of its successor",
    run: async (subject) => {
      const [a, b] = [await subject.addInterface("bx-a"), await subject.addInterface("bx-b")];
      await load(subject);
      const client = subject.client();
      const early: Attachment = { program: "early", hook: HOOK.XDP_GENERIC, ifindex: a };
      await client.attach({ name: NAME, attachments: [ingress(a), ingress(b), early] });
      await loadNext(subject, [], changedObject());
      const attachments = [ingress(a)];
      const beside = { name: NEXT, attachments, order: ORDER.AFTER, anchor: { object: NAME } };
      assertEquals((await client.attach(beside)).map(({ error }) => error), [""]);
      await client.apply({ name: NEXT, generation: 4, operations: [put("array", 1, 5)] });
      const object = await client.replace({ name: NAME, by: NEXT });
      assertEquals([object.name, object.generation], [NAME, 4]);
      const order = ({ hook, ifindex }: Attachment): number => 10 * ifindex + hook;
      const places = object.attachments.toSorted((one, other) => order(one) - order(other));
      assertEquals(places, [ingress(a), early, ingress(b)]);
      const { objects } = await client.probe();
      assertEquals(objects.map(({ name }) => name), [NAME]);
      assertEquals((await dump(subject, "array"))["01000000"], "0500000000000000");
      assertEquals(object.maps.find(({ name }) => name === "hash")?.valueSize, 12);
      await apply(subject, 5, put("array", 1, 6));
    },
  },
  {
    name: "Replace takes off what the successor does not have, and needs no former object",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const client = subject.client();
      const early: Attachment = { program: "early", hook: HOOK.XDP_GENERIC, ifindex };
      await client.attach({ name: NAME, attachments: [early, ingress(ifindex)] });
      await loadNext(subject, [], smallerObject());
      const { attachments } = await client.replace({ name: NAME, by: NEXT });
      assertEquals(attachments, [ingress(ifindex)]);
      assertEquals((await client.replace({ name: NEXT, by: NAME })).name, NEXT);
      assert((await client.probe()).objects.every(({ name }) => name === NEXT));
      await refused(client.replace({ name: NEXT, by: NAME }), CODE.NOT_FOUND, /No object scenario is loaded/);
      await refused(client.replace({ name: NEXT, by: NEXT }), CODE.INVALID_ARGUMENT, /cannot replace itself/);
    },
  },
];
