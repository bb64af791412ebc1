// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { CODE } from "./error.ts";
import { HOOK, ORDER } from "./messages.ts";
import { load, NAME, NEXT, refused, type Scenario, type Subject } from "./scenario.ts";
import { scenarioObject } from "./scenario_object.ts";

async function chain(subject: Subject, ifindex: number): Promise<string[]> {
  const [found, missing] = await subject.client().query({
    hook: HOOK.TCX_INGRESS,
    ifindices: [ifindex, 4_000_000],
  });
  assertEquals(missing, { links: [] });
  const links = found?.links ?? [];
  assert(links.every(({ programId }) => programId > 0));
  return links.map(({ object, program }) => `${object}/${program}`);
}

/** Query, and the places that Attach gives. */
export const queryScenarios: readonly Scenario[] = [
  {
    name: "Query tells the programs at a hook in the order in which they run",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      const client = subject.client();
      await load(subject);
      assertEquals(await chain(subject, ifindex), []);
      const attachments = [{ program: "ingress", hook: HOOK.TCX_INGRESS, ifindex }];
      await client.attach({ name: NAME, attachments });
      assertEquals(await chain(subject, ifindex), [`${NAME}/ingress`]);
      for (const [order, expected] of [[ORDER.BEFORE, [NEXT, NAME]], [ORDER.AFTER, [NAME, NEXT]]] as const) {
        await client.load({ name: NEXT, object: scenarioObject() });
        await client.attach({ name: NEXT, attachments, order, anchor: { object: NAME } });
        assertEquals(await chain(subject, ifindex), expected.map((name) => `${name}/ingress`));
        await client.unload(NEXT);
        assertEquals(await chain(subject, ifindex), [`${NAME}/ingress`]);
      }
    },
  },
  {
    name: "Attach next to a program takes its id from Query",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      const client = subject.client();
      await load(subject);
      await client.load({ name: NEXT, object: scenarioObject() });
      const attachments = [{ program: "ingress", hook: HOOK.TCX_INGRESS, ifindex }];
      await client.attach({ name: NAME, attachments });
      const [found] = await client.query({ hook: HOOK.TCX_INGRESS, ifindices: [ifindex] });
      const anchor = { programId: found?.links[0]?.programId ?? 0 };
      await client.attach({ name: NEXT, attachments, order: ORDER.BEFORE, anchor });
      assertEquals(await chain(subject, ifindex), [`${NEXT}/ingress`, `${NAME}/ingress`]);
    },
  },
  {
    name: "Query refuses hooks that have no order, and Attach an order without an anchor",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await load(subject);
      const client = subject.client();
      const query = client.query({ hook: HOOK.XDP_GENERIC, ifindices: [ifindex] });
      await refused(query, CODE.INVALID_ARGUMENT, /other hooks have no order/);
      const attachments = [{ program: "ingress", hook: HOOK.TCX_INGRESS, ifindex }];
      for (const anchor of [undefined, { pin: "relative" }]) {
        const call = client.attach({ name: NAME, attachments, order: ORDER.AFTER, anchor });
        await refused(call, CODE.INVALID_ARGUMENT, /needs an anchor/);
      }
    },
  },
];
