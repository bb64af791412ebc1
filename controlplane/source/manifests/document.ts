// SPDX-License-Identifier: Apache-2.0

// From the text of a file to its documents, and from the text of one to its values. The lines of what is inside a value
// are found by reading its document once more: only messages ask for them, and to keep them would take far more memory
// than the values do.

import {
  type Document as YamlDocument,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
} from "yaml";
import { readYamlValues } from "../../yaml_values.ts";
import { isFields, type Path } from "./schema.ts";

/** A part of a file that is read by itself. */
export interface Part {
  readonly text: string;
  /** Lines of the file before it. */
  readonly line: number;
}

/**
 * The documents of a file. A line that begins with three hyphens begins one, whatever is around it (YAML 1.2.2,
 * section 9.1.2). Directives would be for what comes after: a file with one stays whole.
 */
export function splitDocuments(text: string): Part[] {
  const parts: Part[] = [];
  let [start, line] = [0, 0];
  const add = (end: number): void => {
    parts.push({ text: text.slice(start, end), line });
    for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) line++;
    start = end;
  };
  if (!/^%/m.test(text)) {
    for (const { index } of text.matchAll(/^---(?=\s|$)/gm)) if (index > start) add(index);
  }
  add(text.length);
  return parts;
}

/** One object of a part, not checked yet. */
export interface Item {
  readonly value: unknown;
  readonly place: Place;
}

/** Where in a part an object is. */
export interface Place {
  /** From 1. */
  readonly line: number;
  /** Number of the document: one that ends in `...` needs no three hyphens after it. */
  readonly document: number;
  /** Of the object in its document. */
  readonly path: Path;
}

/** What a part holds. */
export interface Documents {
  readonly items: readonly Item[];
  /** Why documents could not be read, so that an absent object may only be unreadable. */
  readonly faults: readonly { readonly line: number; readonly reason: string }[];
}

/**
 * Reads all YAML documents of a text (JSON is YAML); the items of a `List` count one by one.
 * A document that is no YAML is a fault, the others are read all the same.
 */
export function readDocuments(text: string): Documents {
  try {
    const { value, lines } = readYamlValues(text);
    return { items: itemsOf(value, 0, (path, each) => lines.get(each) ?? lineIn(text, 0, path)), faults: [] };
  } catch {
    // What is wrong, or unusual, is better told by the parser that knows where.
    return readWithPlaces(text);
  }
}

function readWithPlaces(text: string): Documents {
  const items: Item[] = [];
  const faults: { line: number; reason: string }[] = [];
  const { documents, lines } = readPositions(text);
  for (const [index, document] of documents.entries()) {
    const fault = document.errors[0];
    if (fault !== undefined) {
      faults.push({ line: lines.linePos(fault.pos[0]).line, reason: fault.message });
      continue;
    }
    try {
      items.push(...itemsOf(document.toJS(), index, (path) => lineOf(document, path, lines)));
    } catch (error) {
      faults.push({ line: lineOf(document, [], lines), reason: (error as Error).message });
    }
  }
  return { items, faults };
}

/** The line, from 1, of a field in a part; of the nearest that exists around it when it is missing. */
export function lineOfField(text: string, { line, document, path }: Place, field: Path): number {
  return field.length === 0 ? line : lineIn(text, document, [...path, ...field]);
}

/** Where the only object of a document is, as most are. */
const TOP: Path = [];

function itemsOf(value: unknown, document: number, lineOf: (path: Path, value: unknown) => number): Item[] {
  if (value === null || value === undefined) return [];
  const items = isFields(value) && String(value["kind"]).endsWith("List") ? value["items"] : undefined;
  if (!Array.isArray(items)) return [{ value, place: { line: lineOf([], value), document, path: TOP } }];
  return items.map((item, index) => {
    const path = ["items", index];
    return { value: item, place: { line: lineOf(path, item), document, path } };
  });
}

/** A text with the places of all that is in it. */
interface Positions {
  readonly text: string;
  readonly documents: readonly YamlDocument[];
  readonly lines: LineCounter;
}

/** Of the text that was asked for last, as long as nobody needs the memory. */
let latest: WeakRef<Positions> | undefined;

function readPositions(text: string): Positions {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: "silent" });
  const positions = { text, documents: Array.isArray(documents) ? documents : [], lines };
  latest = new WeakRef(positions);
  return positions;
}

function lineIn(text: string, document: number, path: Path): number {
  const known = latest?.deref();
  const { documents, lines } = known?.text === text ? known : readPositions(text);
  const found = documents[document];
  return found === undefined ? 1 : lineOf(found, path, lines);
}

/** Follows the path as far as it goes, and takes the line of the key, not of the value below it. */
function lineOf(document: YamlDocument, path: Path, lines: LineCounter): number {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? key.value : key) === step);
      if (pair === undefined) break;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const element = node.items[Number(step)];
      if (element === undefined) break;
      offset = offsetOf(element) ?? offset;
      node = element;
    } else break;
  }
  return lines.linePos(offset).line;
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null | undefined)?.range?.[0];
}
