// SPDX-License-Identifier: Apache-2.0

// From the text of a file to its values, each of which still knows its lines.

import {
  type Document as YamlDocument,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
} from "yaml";
import type { Problem } from "./problem.ts";
import { isFields, type Path } from "./schema.ts";

/** One object of a file, not checked yet. */
export interface Item {
  readonly value: unknown;
  /** The line, from 1, of a field; of the nearest that exists around it when it is missing. */
  readonly lineOf: (path: Path) => number;
}

/** What a file holds. */
export interface Documents {
  readonly items: readonly Item[];
  readonly problems: readonly Problem[];
  /** True when a part of the file could not be read, so that an absent object may only be unreadable. */
  readonly incomplete: boolean;
}

/**
 * Reads all YAML documents of a text (JSON is YAML); the items of a `List` count one by one.
 * A document that is no YAML is reported, the others are read all the same.
 */
export function readDocuments(file: string, text: string): Documents {
  const lines = new LineCounter();
  const items: Item[] = [];
  const problems: Problem[] = [];
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: "silent" });
  for (const document of Array.isArray(documents) ? documents : []) {
    const fault = document.errors[0];
    if (fault !== undefined) {
      problems.push(invalidYaml(file, lines.linePos(fault.pos[0]).line, fault.message));
      continue;
    }
    try {
      const value: unknown = document.toJS();
      if (value !== null && value !== undefined) items.push(...itemsOf(value, document, lines));
    } catch (error) {
      problems.push(invalidYaml(file, lineOf(document, [], lines), (error as Error).message));
    }
  }
  return { items, problems, incomplete: problems.length > 0 };
}

function invalidYaml(file: string, line: number, message: string): Problem {
  return { severity: "error", file, line, reason: `invalid YAML: ${message}` };
}

function itemsOf(value: unknown, document: YamlDocument, lines: LineCounter): Item[] {
  if (isFields(value) && typeof value["kind"] === "string" && value["kind"].endsWith("List")) {
    const items = value["items"];
    if (Array.isArray(items)) {
      return items.map((item, index) => ({
        value: item,
        lineOf: (path) => lineOf(document, ["items", index, ...path], lines),
      }));
    }
  }
  return [{ value, lineOf: (path) => lineOf(document, path, lines) }];
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
