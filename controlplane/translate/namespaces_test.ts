// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { FromNamespaces } from "../api/gateway.ts";
import { namespaceAllowed } from "./namespaces.ts";
import { namespace } from "./testing.ts";

const namespaces = (name: string): ReturnType<typeof namespace> | undefined =>
  name === "blue" ? namespace("blue", { team: "blue" }) : undefined;

const CASES: readonly [string, FromNamespaces | undefined, "Same" | "None", Record<string, boolean>][] = [
  ["no rule for routes", undefined, "Same", { own: true, blue: false }],
  ["no rule for ListenerSets", undefined, "None", { own: false, blue: false }],
  ["a rule without from", {}, "Same", { own: true, blue: false }],
  ["Same", { from: "Same" }, "None", { own: true, blue: false }],
  ["None", { from: "None" }, "Same", { own: false, blue: false }],
  ["All", { from: "All" }, "None", { own: true, blue: true }],
  ["an unknown word", { from: "Any" }, "Same", { own: false, blue: false }],
  ["Selector", { from: "Selector", selector: { matchLabels: { team: "blue" } } }, "Same", {
    own: false,
    blue: true,
  }],
  ["Selector without a selector", { from: "Selector" }, "Same", { own: false, blue: false }],
  ["an empty selector", { from: "Selector", selector: {} }, "Same", { own: true, blue: true, unknown: true }],
  ["a selector beside Same", { from: "Same", selector: {} }, "Same", { own: true, blue: false }],
  [
    "the label of the name, of a Namespace that nobody wrote down",
    {
      from: "Selector",
      selector: { matchLabels: { "kubernetes.io/metadata.name": "unknown" } },
    },
    "Same",
    { own: false, blue: false, unknown: true },
  ],
];

for (const [name, rule, otherwise, expected] of CASES) {
  Deno.test(`namespaceAllowed() follows ${name}`, () => {
    for (const [from, allowed] of Object.entries(expected)) {
      assertEquals(namespaceAllowed(rule, otherwise, "own", from, namespaces), allowed, from);
    }
  });
}
