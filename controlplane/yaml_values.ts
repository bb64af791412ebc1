// SPDX-License-Identifier: Apache-2.0

// YAML to values and back, fast and small: ten thousand objects take the parser that keeps the place of everything
// eight times as long, and five times the memory. That one is asked where a message needs a line.

import { constructFromEvents, dump, type Event, EVENT_ID, parseEvents } from "js-yaml";

/** What one document holds. */
export interface YamlValues {
  /** null where there is nothing. */
  readonly value: unknown;
  /** The line, from 1, of the value, and of the mappings in the lists that its fields are. */
  readonly lines: ReadonlyMap<unknown, number>;
}

/** Reads one document, with or without the line `---` before it. Throws where it is none, or there are more. */
export function readYamlValues(text: string): YamlValues {
  const events = parseEvents(text, {});
  if (events.some(({ type }) => type === EVENT_ID.ALIAS)) throw new Error("An alias has two places");
  const values = constructFromEvents(events, { source: text });
  if (values.length > 1) throw new Error("More than one document");
  const value = values[0] ?? null;
  return { value, lines: linesOf(value, startsOf(events), text) };
}

/** The value in block style. Keys without a value are left out. */
export function writeYaml(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true, skipInvalid: true, quoteStyle: "double" });
}

/** Where collections begin: that at the top, and those in the lists that its fields are. */
interface Starts {
  readonly root: number;
  readonly elements: readonly number[];
}

function startsOf(events: readonly Event[]): Starts {
  let root = 0;
  const elements: number[] = [];
  const open: Event[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) open.pop();
    if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) {
      // Open are, at such a list's element: the document, its value, the list.
      if (open.length === 1) root = event.start;
      if (open.length === 3 && open[2]!.type === EVENT_ID.SEQUENCE) elements.push(event.start);
    }
    if (isOpening(event)) open.push(event);
  }
  return { root, elements };
}

function isOpening({ type }: Event): boolean {
  return type === EVENT_ID.DOCUMENT || type === EVENT_ID.SEQUENCE || type === EVENT_ID.MAPPING;
}

function linesOf(value: unknown, { root, elements }: Starts, text: string): Map<unknown, number> {
  const lines = new Map<unknown, number>();
  if (!isObject(value)) return lines;
  const lists = Object.values(value).filter((field) => Array.isArray(field));
  const objects = [value, ...lists.flat().filter(isObject)];
  let [line, at] = [1, 0];
  for (const [index, start] of [root, ...elements].entries()) {
    for (let next = text.indexOf("\n", at); next >= 0 && next < start; next = text.indexOf("\n", at)) {
      line++;
      at = next + 1;
    }
    lines.set(objects[index], line);
  }
  return lines;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
