// SPDX-License-Identifier: Apache-2.0

// A small language for the shape of objects. What the API server does with a
// CRD's OpenAPI schema is done here for manifests: types, ranges, required
// fields, defaults, and the rules between fields.

import { nearest } from "./nearest.ts";

/** Where in an object: field names and list indices. */
export type Path = readonly (string | number)[];

/** Says what is wrong, or merely odd, at a place in the object. */
export interface Report {
  error(path: Path, reason: string): void;
  notice(path: Path, reason: string): void;
}

/** Checks a value and returns it with defaults filled in; what is wrong goes to the report. */
export interface Schema {
  readonly parse: (value: unknown, path: Path, report: Report) => unknown;
  readonly required?: boolean;
  /** What an absent field becomes. */
  readonly default?: unknown;
}

/** A rule between the fields of a value whose own types are right. */
export type Rule<T> = (value: T, path: Path, report: Report) => void;

/** An object with all fields unknown to TypeScript; the schema has checked those it knows. */
export type Fields = Record<string, unknown>;

/** The field must be there. */
export function required(schema: Schema): Schema {
  return { ...schema, required: true };
}

/** An absent field becomes this. */
export function defaulted(schema: Schema, value: unknown): Schema {
  return { ...schema, default: value };
}

/** Whatever is there; for fields that Blixt knows of and does not read. */
export const anything: Schema = { parse: (value) => value };

/** true or false. */
export const boolean: Schema = {
  parse: (value, path, report) =>
    typeof value === "boolean" ? value : wrongType(value, "true or false", path, report),
};

/** A whole number within both limits. */
export function integer(minimum: number, maximum: number): Schema {
  return {
    parse(value, path, report): unknown {
      if (typeof value !== "number" || !Number.isInteger(value)) {
        return wrongType(value, "a whole number", path, report);
      }
      if (value < minimum || value > maximum) {
        report.error(path, `is ${value}, must be ${minimum} to ${maximum}`);
      }
      return value;
    },
  };
}

/** What a string may be. */
export interface StringOptions {
  /** Characters at least; default 0. */
  readonly minimum?: number;
  /** Characters at most. */
  readonly maximum?: number;
  readonly pattern?: RegExp;
  /** The pattern in words, after "must be". */
  readonly words?: string;
}

/** A string. */
export function string(options: StringOptions = {}): Schema {
  const { minimum = 0, maximum = Infinity, pattern, words = "of another form" } = options;
  return {
    parse(value, path, report): unknown {
      if (typeof value !== "string") return wrongType(value, "a string", path, report);
      if (value.length < minimum) report.error(path, "is empty, must be set");
      else if (value.length > maximum) {
        report.error(path, `has ${value.length} characters, at most ${maximum} are allowed`);
      } else if (pattern !== undefined && !pattern.test(value)) {
        report.error(path, `is "${value}", must be ${words}`);
      }
      return value;
    },
  };
}

/** One of these strings. */
export function oneOf(...values: readonly string[]): Schema {
  return {
    parse(value, path, report): unknown {
      if (typeof value !== "string") return wrongType(value, "a string", path, report);
      if (!values.includes(value)) {
        const hint = nearest(value, values);
        report.error(
          path,
          `is "${value}", must be ${alternatives(values)}${
            hint === undefined ? "" : `; did you mean "${hint}"?`
          }`,
        );
      }
      return value;
    },
  };
}

/** A value that either schema accepts by its type: a number the first, all else the second. */
export function numberOr(number: Schema, other: Schema): Schema {
  return {
    parse: (value, path, report) => (typeof value === "number" ? number : other).parse(value, path, report),
  };
}

/** What a list may be. */
export interface ListOptions {
  readonly minimum?: number;
  readonly maximum?: number;
  /** Added to the sentence about too many, as the way out. */
  readonly tooMany?: string;
  readonly rule?: Rule<readonly Fields[]>;
}

/** A list. The rule sees it only when all elements are objects. */
export function list(element: Schema, options: ListOptions = {}): Schema {
  const { minimum = 0, maximum = Infinity, tooMany, rule } = options;
  return {
    parse(value, path, report): unknown {
      if (!Array.isArray(value)) return wrongType(value, "a list", path, report);
      const allowed = minimum === maximum
        ? `exactly ${maximum} is allowed`
        : `at most ${maximum} are allowed`;
      if (value.length < minimum) {
        report.error(
          path,
          minimum === maximum ? `is empty, ${allowed}` : `is empty, must have at least ${minimum}`,
        );
      } else if (value.length > maximum) {
        const wayOut = tooMany === undefined ? "" : `; ${tooMany}`;
        report.error(path, `has ${value.length} ${String(path.at(-1))}, ${allowed}${wayOut}`);
      }
      const elements = value.map((one, index) => element.parse(one, [...path, index], report));
      if (rule !== undefined && elements.every(isFields)) rule(elements, path, report);
      return elements;
    },
  };
}

/** An object with any keys, such as labels. */
export function map(values: Schema): Schema {
  return {
    parse(value, path, report): unknown {
      if (!isFields(value)) return wrongType(value, "a mapping", path, report);
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, values.parse(one, [...path, key], report)]),
      );
    },
  };
}

/** An object with these fields. A field with the value null counts as absent, as in the API server. */
export function object(fields: Readonly<Record<string, Schema>>, rule?: Rule<Fields>): Schema {
  return {
    parse(value, path, report): unknown {
      if (!isFields(value)) return wrongType(value, "a mapping", path, report);
      const result: Fields = {};
      for (const [name, one] of Object.entries(value)) {
        const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
        if (field === undefined) reportUnknown(name, Object.keys(fields), path, report);
        else if (one !== null) result[name] = field.parse(one, [...path, name], report);
      }
      for (const [name, field] of Object.entries(fields)) {
        if (Object.hasOwn(result, name)) continue;
        if (field.required) report.error([...path, name], "is missing");
        else if (field.default !== undefined) result[name] = field.default;
      }
      rule?.(result, path, report);
      return result;
    },
  };
}

/** Joins as people do: a, b or c. */
export function alternatives(values: readonly string[]): string {
  return values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}

/** True for an object that is neither null nor a list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function reportUnknown(name: string, known: readonly string[], path: Path, report: Report): void {
  const hint = nearest(name, known);
  report.notice(
    [...path, name],
    `unknown field, ignored${hint === undefined ? "" : `; did you mean ${hint}?`}`,
  );
}

/** Reports a value that is no `expected`, and returns nothing in its place. */
export function wrongType(value: unknown, expected: string, path: Path, report: Report): unknown {
  report.error(path, `is ${describe(value)}, must be ${expected}`);
  return value;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  if (isFields(value)) return "a mapping";
  return typeof value === "string" ? `the string "${value}"` : String(value);
}
