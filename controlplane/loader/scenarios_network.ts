// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { CODE } from "./error.ts";
import { networkUntil, refused, type Scenario } from "./scenario.ts";

const address = Uint8Array.of(198, 51, 100, 7);

/** Watch and Resolve. */
export const networkScenarios: readonly Scenario[] = [
  {
    name: "Watch tells the interfaces at once, by index",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      await networkUntil(subject, ({ interfaces }) => {
        const indices = interfaces.map((device) => device.ifindex);
        assertEquals(indices, indices.toSorted((a, b) => a - b));
        const found = interfaces.find((device) => device.ifindex === ifindex);
        return found !== undefined && found.name === "bx-a" && found.type === 1 && found.mac.length === 6;
      });
    },
  },
  {
    name: "Watch tells of interfaces that come and go",
    run: async (subject) => {
      const seen = (wanted: boolean): Promise<void> =>
        networkUntil(
          subject,
          ({ interfaces }) => interfaces.some((device) => device.name === "bx-b") === wanted,
        );
      const watching = seen(true);
      await subject.addInterface("bx-b");
      await watching;
      await subject.removeInterface("bx-b");
      await seen(false);
    },
  },
  {
    name: "Watch raises the generation of routes when one is added",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      let first: number | undefined;
      const raised = networkUntil(subject, ({ routesGeneration }) => {
        first ??= routesGeneration;
        return routesGeneration > first;
      });
      await networkUntil(subject, () => true);
      await subject.addRoute("bx-a", ifindex);
      await raised;
    },
  },
  {
    name: "Resolve answers in order, with interface 0 where there is no way",
    run: async (subject) => {
      const ifindex = await subject.addInterface("bx-a");
      const elsewhere = Uint8Array.of(203, 0, 113, 9);
      await subject.addRoute("bx-a", ifindex);
      const routes = await subject.client().resolve([elsewhere, address, new Uint8Array(16).fill(0x20)]);
      assertEquals(routes.map((route) => [route.ifindex, route.gateway.length, route.local]), [
        [0, 0, false],
        [ifindex, 0, false],
        [0, 0, false],
      ]);
    },
  },
  {
    name: "Resolve refuses an address that has neither 4 nor 16 bytes",
    run: async (subject) => {
      const call = subject.client().resolve([address, new Uint8Array(5)]);
      await refused(
        call,
        CODE.INVALID_ARGUMENT,
        /Address 1 has 5 bytes; an IPv4 address has 4, an IPv6 address 16/,
      );
    },
  },
];
