// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import type { ManifestFile } from "./files.ts";
import { type FolderContent, ManifestFolder } from "./folder.ts";
import { lineIn } from "./parse.ts";
import { formatProblem } from "./problem.ts";

const service = (name: string, port: number): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}}]}\n`;

/** The folder with these files' texts; an absent text is a file that cannot be read. */
function files(texts: Readonly<Record<string, string | undefined>>): ManifestFile[] {
  return Object.entries(texts).map(([path, text]) =>
    text === undefined ? { path, error: "cannot be read: Permission denied" } : { path, text }
  );
}

const problemsOf = ({ problems }: FolderContent): string[] => problems.map(formatProblem);
const portsOf = ({ objects }: FolderContent): unknown =>
  Object.fromEntries(
    objects.map((
      { key, object },
    ) => [key, (object as unknown as { spec: { ports: { port: number }[] } }).spec.ports[0]?.port]),
  );

Deno.test("ManifestFolder keeps the last good version of an object that became wrong, and takes the others", () => {
  const folder = new ManifestFolder();
  folder.update(files({ "a.yaml": `${service("one", 1)}---\n${service("two", 2)}` }));
  const after = folder.update(files({ "a.yaml": `${service("one", 99999)}---\n${service("two", 3)}` }));
  assertEquals(portsOf(after), { "default/two": 3, "default/one": 1 });
  assertEquals(problemsOf(after), [
    "a.yaml:4: Service default/one: spec.ports[0].port: is 99999, must be 1 to 65535",
    "a.yaml: Service default/one: stays as it last was right, until the file's errors are mended",
  ]);
});

Deno.test("ManifestFolder keeps a file's objects while the file is no YAML", () => {
  const folder = new ManifestFolder();
  folder.update(files({ "a.yaml": service("one", 1), "b.yaml": service("two", 2) }));
  const after = folder.update(files({ "a.yaml": "kind: [", "b.yaml": service("two", 3) }));
  assertEquals(portsOf(after), { "default/one": 1, "default/two": 3 });
});

Deno.test("ManifestFolder keeps a file's objects while the file cannot be read", () => {
  const folder = new ManifestFolder();
  folder.update(files({ "a.yaml": service("one", 1) }));
  const after = folder.update(files({ "a.yaml": undefined }));
  assertEquals(portsOf(after), { "default/one": 1 });
  assertEquals(problemsOf(after)[0], "a.yaml: cannot be read: Permission denied");
});

Deno.test("ManifestFolder drops the objects of a file that is gone, and of a document that is gone", () => {
  const folder = new ManifestFolder();
  folder.update(
    files({ "a.yaml": `${service("one", 1)}---\n${service("two", 2)}`, "b.yaml": service("three", 3) }),
  );
  assertEquals(portsOf(folder.update(files({ "a.yaml": service("two", 2) }))), { "default/two": 2 });
});

Deno.test("ManifestFolder keeps what may have been meant by a document that it cannot identify", () => {
  const folder = new ManifestFolder();
  folder.update(files({ "a.yaml": `${service("one", 1)}---\n${service("two", 2)}` }));
  const mistyped = folder.update(
    files({ "a.yaml": `${service("one", 1).replace("Service", "Servise")}---\n${service("two", 2)}` }),
  );
  assertEquals(portsOf(mistyped), { "default/two": 2, "default/one": 1 });
  assertEquals(
    portsOf(folder.update(files({ "a.yaml": service("two", 2) }))),
    { "default/two": 2 },
    "mended",
  );
});

Deno.test("ManifestFolder takes the first of two equal names, by file, and reports the other", () => {
  const folder = new ManifestFolder();
  const content = folder.update(
    files({ "a.yaml": service("one", 1), "b.yaml": `---\n${service("one", 2)}---\n${service("one", 3)}` }),
  );
  assertEquals(portsOf(content), { "default/one": 1 });
  assertEquals(problemsOf(content), [
    "b.yaml:7: Service default/one: is defined at b.yaml:2 too, and that one counts; remove one of them",
    "b.yaml:2: Service default/one: is defined at a.yaml:1 too, and that one counts; remove one of them",
  ]);
});

Deno.test("ManifestFolder counts generations by changes of the spec, and keeps the identity of unchanged objects", () => {
  const folder = new ManifestFolder();
  const first = folder.update(files({ "a.yaml": service("one", 1) })).objects[0]?.object;
  assertEquals(first?.metadata.generation, 1);
  const commented = folder.update(files({ "a.yaml": `# said\n${service("one", 1)}` })).objects[0]?.object;
  assertStrictEquals(commented, first);
  const labelled = folder.update(
    files({ "a.yaml": service("one", 1).replace("name: one", "name: one, labels: {a: b}") }),
  );
  assertEquals(labelled.objects[0]?.object.metadata.generation, 1, "metadata does not count");
  const changed = folder.update(files({ "a.yaml": service("one", 2) })).objects[0]?.object;
  assertEquals(changed?.metadata.generation, 2);
});

Deno.test("ManifestFolder does not parse a file that is the same as before", () => {
  const folder = new ManifestFolder();
  const same = files({ "a.yaml": service("one", 1) });
  const [first] = folder.update(same).objects;
  const [again] = folder.update([...same, ...files({ "b.yaml": service("two", 2) })]).objects;
  assertStrictEquals(again?.place, first?.place);
});

Deno.test("ManifestFolder gives the same answer for the same files, and another one when a file goes or changes", () => {
  const folder = new ManifestFolder();
  const both = files({ "a.yaml": service("one", 1), "b.yaml": service("two", 2) });
  const first = folder.update(both);
  assertStrictEquals(folder.update([...both]), first);
  const less = folder.update(both.slice(0, 1));
  assertEquals(portsOf(less), { "default/one": 1 });
  const changed = folder.update([both[0]!, ...files({ "b.yaml": service("two", 3) })]);
  assertEquals(portsOf(changed), { "default/one": 1, "default/two": 3 });
});

Deno.test("ManifestFolder reads only the documents of a file that changed, and knows where the others stand now", () => {
  const folder = new ManifestFolder();
  const before = folder.update(files({ "a.yaml": `${service("one", 1)}---\n${service("two", 2)}` })).objects;
  const after = folder.update(
    files({ "a.yaml": `# said\n${service("one", 3)}---\n# said too\n---\n${service("two", 2)}` }),
  ).objects;
  assertEquals(portsOf({ objects: after, problems: [] }), { "default/one": 3, "default/two": 2 });
  assertStrictEquals(after[1]?.object, before[1]?.object);
  const lines = after.map((object) => [lineIn(object, []), lineIn(object, ["spec", "ports", 0, "port"])]);
  assertEquals(lines, [[2, 5], [9, 12]]);
});
