// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parse } from "yaml";
import { blockYaml } from "./block_yaml.ts";

Deno.test("blockYaml() writes words without quotes, one field or element a line", () => {
  const value = {
    kind: "Gateway",
    addresses: [{ type: "IPAddress", value: "192.0.2.1" }, { type: "IPAddress", value: "2001:db8::1" }],
    listeners: [],
    conditions: [{
      type: "Programmed",
      status: "True",
      message: "It's there: all of it",
      observedGeneration: 3,
    }],
    ports: [[1, 2], ["a b"]],
  };
  assertEquals(
    blockYaml([value], 2),
    `  - kind: Gateway
    addresses:
      - type: IPAddress
        value: "192.0.2.1"
      - type: IPAddress
        value: "2001:db8::1"
    listeners: []
    conditions:
      - type: Programmed
        status: "True"
        message: "It's there: all of it"
        observedGeneration: 3
    ports:
      - - 1
        - 2
      - - a b
`,
  );
});

Deno.test("blockYaml() leaves keys without a value out", () => {
  assertEquals(blockYaml({ a: undefined, b: 1, c: { d: undefined } }), "b: 1\nc: {}\n");
});

Deno.test("blockYaml() writes what is read back as the same, whatever it is", () => {
  const words = fc.constantFrom(
    "yes",
    "No",
    "null",
    "~",
    "1e3",
    "0x1f",
    "- a",
    "a: b",
    "# a",
    "a #b",
    "",
    " a",
    "<<",
  );
  const text = fc.oneof(words, fc.string({ unit: "grapheme" }), fc.string());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(text.filter((key) => key !== "__proto__"), tie("tree"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      assertEquals(parse(blockYaml(value)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 2_000 },
  );
});
