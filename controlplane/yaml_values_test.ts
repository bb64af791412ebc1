// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isMap, isSeq, LineCounter, parse, parseAllDocuments, stringify } from "yaml";
import { readYamlValues, writeYaml } from "./yaml_values.ts";

const ROUTE = `# a comment
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata:
  name: echo
  labels: {app: web, "kubernetes.io/service-name": "a b", n: [1, x, []]}
spec:
  nested:
  - - 1
    - -2
parentRefs:
- name: web   # beside it
  port: 80

- word
-
  name: 'echo'
  "x-y": "a\\tb: #c"
empty:
last: null
`;

const LIST =
  `{"kind": "List",\n "items": [\n  {"metadata": {"name": "a", "port": 80}},\n  {"metadata": {}}\n ]\n}\n`;

/** The values and lines of one document as the parser has them that keeps the place of everything. */
function readWithPlaces(text: string): { value: unknown; lines: number[] } | undefined {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: counter,
    prettyErrors: false,
    logLevel: "silent",
  });
  const [document] = documents as ReturnType<typeof parseAllDocuments> & unknown[];
  if (document === undefined) return { value: null, lines: [] };
  if (!("contents" in document) || documents.length !== 1 || document.errors.length > 0) return undefined;
  const { contents } = document;
  const elements = isMap(contents)
    ? contents.items.flatMap(({ value }) => isSeq(value) ? value.items.filter(isMap) : [])
    : [];
  const lines = [contents, ...elements].map((node) => counter.linePos(node?.range?.[0] ?? 0).line);
  return { value: document.toJS(), lines: contents === null ? [] : lines };
}

/** Throws where the two read a text differently. */
function compare(text: string): void {
  const { value, lines } = readYamlValues(text);
  const other = readWithPlaces(text);
  assertEquals(value, other?.value, text);
  const fields = Object.values(value as Record<string, unknown>);
  const elements = fields.flatMap((field) => Array.isArray(field) ? field.filter(isMapping) : []);
  assertEquals([value, ...elements].map((each) => lines.get(each)), other?.lines, text);
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

Deno.test("readYamlValues() reads a manifest with the lines of its objects", () => {
  compare(ROUTE);
  compare(`---\n${ROUTE}`);
  compare(`--- # a comment\n\n${ROUTE}`);
  compare(LIST);
  compare("kind: List\nitems:\n- a: 1\n  b: 2\n# between\n-   a: 3\n- {}\n");
});

Deno.test("readYamlValues() has null for a document of comments", () => {
  assertEquals(readYamlValues("# nothing\n\n---\n").value, null);
  assertEquals(readYamlValues("").value, null);
});

Deno.test("readYamlValues() throws at two documents, at aliases and at what is no YAML", () => {
  for (
    const text of ["a: 1\n---\nb: 2\n", "a: &x {}\nb: *x\n", "a: [1, 2\n", "a: 1\n- 2\n", "a: 1\na: 2\n"]
  ) {
    assertThrows(() => readYamlValues(text), Error, undefined, text);
  }
});

/** Strings that YAML could take for something else, and other values of any depth. */
const words = fc.oneof(
  fc.constantFrom(
    "yes",
    "No",
    "null",
    "~",
    "1e3",
    "0x1f",
    "007",
    "- a",
    "a: b",
    "# a",
    "a #b",
    "it's",
    '"',
    "",
    " a",
    "<<",
  ),
  fc.constantFrom(
    "a",
    "web",
    "gateway.networking.k8s.io/v1",
    "10.0.0.1",
    "fd00::1",
    "a,b",
    "x:y",
    "{",
    "True",
  ),
  fc.string({ unit: "grapheme" }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    words,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(words.filter((key) => key !== "__proto__"), tie("tree"), { maxKeys: 4 }),
  ),
}));

Deno.test("readYamlValues() agrees with the other parser about values and lines, in whatever style", () => {
  const style = fc.record({
    collectionStyle: fc.constantFrom("any" as const, "block" as const, "flow" as const),
    defaultStringType: fc.constantFrom("PLAIN" as const, "QUOTE_DOUBLE" as const, "QUOTE_SINGLE" as const),
    indent: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(tree, style, (value, options) => {
      const root = { kind: "List", items: [value, {}], field: value };
      compare(stringify(root, { ...options, aliasDuplicateObjects: false }));
      compare(JSON.stringify(root, null, options.indent));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("writeYaml() writes words without quotes, one field or element a line", () => {
  const value = {
    kind: "Gateway",
    addresses: [{ type: "IPAddress", value: "192.0.2.1" }],
    listeners: [],
    conditions: [{ type: "Programmed", status: "True", message: "It's there: all of it", generation: 3 }],
  };
  assertEquals(
    writeYaml([value]),
    `- kind: Gateway
  addresses:
    - type: IPAddress
      value: 192.0.2.1
  listeners: []
  conditions:
    - type: Programmed
      status: "True"
      message: "It's there: all of it"
      generation: 3
`,
  );
});

Deno.test("writeYaml() leaves keys without a value out", () => {
  assertEquals(writeYaml({ a: undefined, b: 1, c: { d: undefined } }), "b: 1\nc: {}\n");
});

Deno.test("writeYaml() writes what both parsers read back as the same, whatever it is", () => {
  fc.assert(
    fc.property(tree, (value) => {
      const text = writeYaml({ items: [value] });
      assertEquals(readYamlValues(text).value, { items: [value] }, text);
      assertEquals(parse(text), { items: [value] }, text);
    }),
    { numRuns: 1_000 },
  );
});
