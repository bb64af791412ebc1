// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isMap, isSeq, LineCounter, parseAllDocuments, stringify } from "yaml";
import { readPlainYaml } from "./plain_yaml.ts";

const ROUTE = `# a comment
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata:
  name: echo
  labels: {app: web, "kubernetes.io/service-name": "a b", n: [1, x, []]}
spec:
  parentRefs:
  - name: web   # beside it
    port: 80

  rules:
    - backendRefs:
        - name: 'echo'
          address: 10.0.0.1
          "x-y": "a\\tb: #c"
      - - 1
        - -2
    - true
  empty:
  last: null
`.replace("      - - 1\n        - -2\n", "      nested:\n      - - 1\n        - -2\n");

const LIST =
  `{"kind": "List",\n "items": [\n  {"metadata": {"name": "a", "port": 80}},\n  {"metadata": {}}\n ]\n}\n`;

/** What the full parser makes of one document; undefined where it finds an error, or another document. */
function full(text: string): { value: unknown; lines: number[] } | undefined {
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

/** Throws where this reader takes a text and the full parser does not agree. Returns whether it took it. */
function compare(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  const other = full(text);
  assertEquals(plain.value, other?.value, text);
  assertEquals(other !== undefined, true, text);
  const value = plain.value as Record<string, unknown>;
  const elements = Object.values(value ?? {}).flatMap((field) => Array.isArray(field) ? field : [])
    .filter((element) => typeof element === "object" && element !== null && !Array.isArray(element));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    assertEquals([value, ...elements].map((each) => plain.lines.get(each)), other?.lines, text);
  }
  return true;
}

Deno.test("readPlainYaml() reads a manifest as the full parser does, with the lines of its objects", () => {
  assertEquals(compare(ROUTE), true);
  assertEquals(compare(`---\n${ROUTE}`), true);
  assertEquals(compare(LIST), true);
  assertEquals(compare("kind: List\nitems:\n- a: 1\n  b: 2\n# between\n-   a: 3\n"), true);
  assertEquals(readPlainYaml("# nothing\n\n---\n")?.value, null);
});

for (
  const [what, text] of [
    ["an anchor", "a: &x b\n"],
    ["an alias", "a: *x\n"],
    ["a tag", "a: !!str 1\n"],
    ["a block scalar", "a: |\n  text\n"],
    ["a scalar over several lines", "a: one\n  two\n"],
    ["a quoted scalar over several lines", 'a: "one\n  two"\n'],
    ["a key twice", "a: 1\na: 2\n"],
    ["a key twice in braces", '{"a": 1, "a": 2}'],
    ["a key that is no string", "true: 1\n"],
    ["a key with a meaning to JavaScript", "__proto__: {}\n"],
    ["a merge key", "<<: {a: 1}\n"],
    ["a number with a fraction", "a: 1.5\n"],
    ["an octal number", "a: 0o17\n"],
    ["a number that needs more than 53 bits", "a: 12345678901234567890\n"],
    ["a tab", "a:\t1\n"],
    ["a line end of another system", "a: 1\r\nb: 2\r\n"],
    ["letters that are not ASCII", "a: ä\n"],
    ["an open bracket", "a: [1, 2\n"],
    ["a list after fields", "a: 1\n- 2\n"],
    ["a line that is indented too far", "a: 1\n   b: 2\n"],
    ["a line that is indented too little", "  a: 1\n b: 2\n"],
    ["the end of a document", "a: 1\n...\n"],
    ["just words", "just words\n"],
    ["something after the end", "{}\nx"],
  ] as const
) {
  Deno.test(`readPlainYaml() leaves ${what} to the full parser`, () => {
    assertEquals(readPlainYaml(text), undefined);
  });
}

Deno.test("readPlainYaml() agrees with the full parser wherever it takes what was written in some style", () => {
  const word = fc.constantFrom(
    "a",
    "web",
    "gateway.networking.k8s.io/v1",
    "10.0.0.1",
    "fd00::1",
    "yes",
    "No",
    "null",
    "1",
    "-7",
    "007",
    "1e3",
    "a: b",
    "a #b",
    "it's",
    '"',
    "- x",
    "",
    " a",
    "{",
    "true",
    "a,b",
    "x:y",
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      word,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(word.filter((key) => key !== ""), tie("tree"), { maxKeys: 4 }),
    ),
  }));
  const style = fc.record({
    collectionStyle: fc.constantFrom("any" as const, "block" as const, "flow" as const),
    defaultStringType: fc.constantFrom("PLAIN" as const, "QUOTE_DOUBLE" as const, "QUOTE_SINGLE" as const),
    indent: fc.integer({ min: 1, max: 4 }),
    indentSeq: fc.boolean(),
  });
  let taken = 0;
  fc.assert(
    fc.property(tree, style, (value, options) => {
      const root = { kind: "List", items: [value], field: value };
      for (const text of [stringify(root, options), JSON.stringify(root, null, options.indent)]) {
        if (compare(text)) taken++;
      }
    }),
    { numRuns: 2_000 },
  );
  assertEquals(taken > 1_000, true, `${taken} were taken`);
});

Deno.test("readPlainYaml() agrees with the full parser wherever it takes a manifest with a few characters changed", () => {
  const edit = fc.record({
    at: fc.nat(1_000),
    remove: fc.nat(3),
    insert: fc.constantFrom(
      "",
      " ",
      "  ",
      "\n",
      "-",
      "- ",
      ":",
      ": ",
      "#",
      " #",
      '"',
      "'",
      "{",
      "}",
      "[",
      "]",
      ",",
      "a",
      "1",
      "?",
      "|",
      "&a ",
      "*a",
      "!",
      "%",
      "---\n",
      "...",
      "\n- ",
      "\n  ",
      "~",
    ),
  });
  let taken = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(ROUTE, LIST),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
      (manifest, edits) => {
        let text = manifest;
        for (const { at, remove, insert } of edits) {
          const place = at % text.length;
          text = text.slice(0, place) + insert + text.slice(place + remove);
        }
        if (!/^---/m.test(text.slice(1)) && compare(text)) taken++;
      },
    ),
    { numRuns: 5_000 },
  );
  assertEquals(taken > 500, true, `${taken} were taken`);
});
