// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type Schema, validate } from "./crd_schema.ts";

const schema: Schema = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", pattern: "^[a-z]+$", maxLength: 5 },
    port: { type: "integer", minimum: 1, maximum: 65535 },
    kind: { type: "string", enum: ["TCP", "UDP"] },
    on: { type: "boolean" },
    labels: { type: "object", additionalProperties: { type: "string" } },
    list: { type: "array", minItems: 1, maxItems: 2, items: { type: "integer" } },
  },
};

Deno.test("validate() accepts what fits", () => {
  const value = { name: "abc", port: 80, kind: "TCP", on: false, labels: { a: "b" }, list: [1, 2] };
  assertEquals(validate(value, schema), []);
});

const wrong: [unknown, string][] = [
  [[], ": no object"],
  [{}, ".name: missing"],
  [{ name: "abc", other: 1 }, ".other: unknown field"],
  [{ name: "ABC" }, ".name: does not match ^[a-z]+$"],
  [{ name: "abcdef" }, ".name: 6 characters long"],
  [{ name: 7 }, ".name: no string"],
  [{ name: "a", port: 0 }, ".port: not within 1 to 65535"],
  [{ name: "a", port: 1.5 }, ".port: no integer"],
  [{ name: "a", kind: "SCTP" }, ".kind: not one of TCP,UDP"],
  [{ name: "a", on: "yes" }, ".on: no boolean"],
  [{ name: "a", labels: { b: 1 } }, ".labels.b: no string"],
  [{ name: "a", list: [] }, ".list: 0 elements, not 1 to 2"],
  [{ name: "a", list: ["x"] }, ".list[0]: no integer"],
  [{ name: "a", list: {} }, ".list: no list"],
];
for (const [value, problem] of wrong) {
  Deno.test(`validate() says "${problem}"`, () => assertEquals(validate(value, schema), [problem]));
}
