// SPDX-License-Identifier: Apache-2.0

// From the text of one manifest file to checked objects of the kinds that Blixt reads.

import type { KubernetesObject, ObjectMeta } from "../../api/object.ts";
import { hash32 } from "../../hash.ts";
import { type Kind, KINDS, type ObjectKey, objectKey } from "../../api/snapshot.ts";
import { type Item, lineOfField, type Part, type Place, readDocuments, splitDocuments } from "./document.ts";
import type { Problem } from "./problem.ts";
import { type Fields, isFields, type Path } from "./schema.ts";
import { readKind, SCHEMAS } from "./schemas.ts";
import { unreadKind } from "./unread_kinds.ts";

/** A checked object with its place in its part of a file. There may be tens of thousands. */
interface ParsedObject {
  readonly kind: Kind;
  readonly key: ObjectKey;
  /** objectId of both. */
  readonly id: string;
  readonly object: KubernetesObject;
  readonly place: Place;
}

/** A checked object with the place it came from. */
export interface ManifestObject extends ParsedObject {
  readonly file: string;
  readonly part: Part;
}

/** What one file says. */
export interface ParsedFile {
  readonly objects: readonly ManifestObject[];
  /** objectId of those that are there and wrong. */
  readonly invalid: readonly string[];
  /** True when something could not be identified, so that an absent object may only be unreadable. */
  readonly incomplete: boolean;
  readonly problems: readonly Problem[];
  /** By the hash of their text, for the next time: of keys that are strings V8 would keep copies. */
  readonly documents: ReadonlyMap<number, ParsedDocument>;
}

/** What a part of a file says, wherever it stands: its lines are counted from its own first one. */
export interface ParsedDocument {
  /** As it stands in the file that was read last, so that no older version of that stays alive. */
  text: string;
  readonly objects: readonly ParsedObject[];
  readonly invalid: readonly string[];
  readonly incomplete: boolean;
  readonly problems: readonly Omit<Problem, "file">[];
}

/** Where objects without metadata.namespace live, as with kubectl. */
const DEFAULT_NAMESPACE = "default";

/** "TCPRoute default/echo": names an object to people, and among all kinds. */
export function objectId(kind: string, key: ObjectKey): string {
  return `${kind} ${key}`;
}

/** The line, from 1, of a field of an object in its file. */
export function lineIn({ part, place }: ManifestObject, path: Path): number {
  return part.line + lineOfField(part.text, place, path);
}

/**
 * Checks every object of a file's text; what is wrong with one keeps no other from being read. Documents that were in
 * the file before are not read again, and their objects stay the same.
 */
export function parseManifests(file: string, text: string, before?: ParsedFile): ParsedFile {
  const documents = new Map<number, ParsedDocument>();
  const parsed = splitDocuments(text).map((part) => {
    const hash = hash32(part.text, 0) | 0;
    const known = [documents.get(hash), before?.documents.get(hash)].find((one) => one?.text === part.text) ??
      parseDocument(part.text);
    known.text = part.text;
    documents.set(hash, known);
    return { part, known };
  });
  return {
    objects: parsed.flatMap(({ part, known }) => known.objects.map((object) => ({ ...object, file, part }))),
    invalid: parsed.flatMap(({ known }) => known.invalid),
    incomplete: parsed.some(({ known }) => known.incomplete),
    problems: parsed.flatMap(({ part, known }) =>
      known.problems.map((problem) => ({ ...problem, file, line: part.line + (problem.line ?? 1) }))
    ),
    documents,
  };
}

/** metadata.generation of an object that nobody has changed. */
export const FIRST_GENERATION = 1;

/** What most documents have of everything but an object. */
const NONE: readonly never[] = [];

function parseDocument(slice: string): ParsedDocument {
  // Values may be parts of the text, for which V8 would keep the whole file alive as long as they are.
  const text = ` ${slice}`.slice(1);
  const { items, faults } = readDocuments(text);
  const objects: ParsedObject[] = [];
  const invalid: string[] = [];
  const problems: Omit<Problem, "file">[] = faults.map(({ line, reason }) => ({
    severity: "error",
    line,
    reason: `invalid YAML: ${reason}`,
  }));
  let incomplete = faults.length > 0;

  for (const item of items) {
    const lineOf = (path: Path): number => lineOfField(text, item.place, path);
    const header = identify(item.value);
    if (typeof header === "string") {
      problems.push({ severity: "error", line: lineOf([]), reason: header });
      incomplete = true;
      continue;
    }
    const kind = readKind(header.apiVersion, header.kind);
    if (kind === undefined) {
      const { severity, reason } = unreadKind(header.apiVersion, header.kind);
      const object = `${header.kind} ${header.name ?? "without a name"}`;
      const line = lineOf([severity === "error" ? "kind" : "metadata"]);
      problems.push({ severity, line, object, reason });
      // A mistyped kind may be an object that was right before.
      if (severity === "error") incomplete = true;
      continue;
    }
    const checked = check(kind, header, item, lineOf, problems);
    if (checked.object !== undefined) objects.push(checked.object);
    else if (checked.id !== undefined) invalid.push(checked.id);
    else incomplete = true;
  }
  // V8 leaves room for more than a dozen at the end of a list that grew.
  const exact = <T>(list: readonly T[]): readonly T[] => list.length === 0 ? NONE : [...list];
  return {
    text: slice,
    objects: exact(objects),
    invalid: exact(invalid),
    incomplete,
    problems: exact(problems),
  };
}

interface Header {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string | undefined;
}

/** The parts that say what an object is, or why that cannot be said. */
function identify(value: unknown): Header | string {
  if (!isFields(value)) {
    return "is no Kubernetes object: it must be a mapping with apiVersion, kind and metadata";
  }
  const { apiVersion, kind, metadata } = value;
  if (typeof kind !== "string" || kind === "") return "is no Kubernetes object: kind is missing";
  if (typeof apiVersion !== "string" || apiVersion === "") return `${kind}: apiVersion is missing`;
  const name = isFields(metadata) && typeof metadata["name"] === "string" ? metadata["name"] : undefined;
  return { apiVersion, kind, name };
}

function check(
  kind: Kind,
  header: Header,
  item: Item,
  lineOf: (path: Path) => number,
  problems: Omit<Problem, "file">[],
): { readonly id?: string; readonly object?: ParsedObject } {
  const value = withNamespace(kind, item.value as Fields);
  const key = header.name === undefined ? undefined : objectKey(value as unknown as KubernetesObject);
  const id = key === undefined ? undefined : objectId(kind, key);
  const object = id ?? `${kind} without a name`;
  let valid = true;
  const add = (severity: "error" | "notice", path: Path, reason: string): void => {
    if (severity === "error") valid = false;
    problems.push({ severity, line: lineOf(path), object, path, reason });
  };

  const parsed = SCHEMAS[kind].parse(value, [], {
    error: (path, reason) => add("error", path, reason),
    notice: (path, reason) => add("notice", path, reason),
  });
  const { apiVersion } = KINDS[kind];
  if (header.apiVersion !== apiVersion) {
    add("notice", ["apiVersion"], `is ${header.apiVersion}, read as ${apiVersion}; change it to that`);
  }
  if (!valid || key === undefined || id === undefined) return id === undefined ? {} : { id };

  const { status, metadata, ...rest } = parsed as Fields & { readonly metadata: ObjectMeta };
  // A Node's addresses are there; of other kinds the status is Blixt's to write.
  const told = kind === "Node" && status !== undefined ? { status } : {};
  const first = { ...metadata, generation: FIRST_GENERATION };
  const checked = { ...rest, ...told, apiVersion, metadata: first } as unknown as KubernetesObject;
  return { id, object: { kind, key, id, object: checked, place: item.place } };
}

/** The object with the namespace that the API server would give it. */
function withNamespace(kind: Kind, value: Fields): Fields {
  const metadata = value["metadata"];
  if (!isFields(metadata)) return value;
  const { namespace, ...rest } = metadata as unknown as ObjectMeta;
  if (!KINDS[kind].namespaced) return { ...value, metadata: rest };
  return { ...value, metadata: { ...rest, namespace: namespace ?? DEFAULT_NAMESPACE } };
}
