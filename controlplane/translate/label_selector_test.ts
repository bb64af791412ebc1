// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { LabelSelector } from "../api/label_selector.ts";
import { selectorMatches } from "./label_selector.ts";

const LABELS = { team: "blue", env: "" };

function expression(key: string, operator: string, values?: string[]): LabelSelector {
  return { matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }] };
}

const CASES: readonly [string, LabelSelector | undefined, boolean][] = [
  ["an absent selector", undefined, false],
  ["an empty selector", {}, true],
  ["equal labels", { matchLabels: { team: "blue" } }, true],
  ["an empty value", { matchLabels: { env: "" } }, true],
  ["another value", { matchLabels: { team: "red" } }, false],
  ["one of two labels", { matchLabels: { team: "blue", tier: "web" } }, false],
  ["a name that every JavaScript object has", { matchLabels: { constructor: "blue" } }, false],
  ["In with the value", expression("team", "In", ["red", "blue"]), true],
  ["In without the value", expression("team", "In", ["red"]), false],
  ["In for an absent label", expression("tier", "In", ["web"]), false],
  ["In without values", expression("team", "In"), false],
  ["NotIn with the value", expression("team", "NotIn", ["blue"]), false],
  ["NotIn without the value", expression("team", "NotIn", ["red"]), true],
  ["NotIn for an absent label", expression("tier", "NotIn", ["web"]), true],
  ["Exists", expression("env", "Exists"), true],
  ["Exists for an absent label", expression("toString", "Exists"), false],
  ["DoesNotExist", expression("tier", "DoesNotExist"), true],
  ["DoesNotExist for a label", expression("env", "DoesNotExist"), false],
  ["an unknown operator", expression("team", "Like", ["blue"]), false],
  [
    "labels and expressions that hold",
    { matchLabels: { team: "blue" }, ...expression("env", "Exists") },
    true,
  ],
  ["labels that hold and expressions that do not", {
    matchLabels: { team: "blue" },
    ...expression("tier", "Exists"),
  }, false],
];

for (const [name, selector, expected] of CASES) {
  Deno.test(`selectorMatches() is ${expected} for ${name}`, () => {
    assertEquals(selectorMatches(selector, LABELS), expected);
  });
}
