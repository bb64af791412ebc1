// SPDX-License-Identifier: Apache-2.0

// JSON values as YAML for people. The package's own way through a tree of nodes takes seconds for ten thousand statuses.

/** Words that YAML 1.1 or 1.2 takes for something else than a string. */
const RESERVED = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

/** Strings that need no quotes anywhere: words of letters and digits with single signs between them. */
const PLAIN = /^[A-Za-z][A-Za-z0-9]*(?:[ ./_-][A-Za-z0-9]+)*$/;

/** The value in block style, each line after so many spaces and with its end. Keys without a value are left out. */
export function blockYaml(value: unknown, indent = 0): string {
  return isFilled(value) ? block(value, " ".repeat(indent)) : `${" ".repeat(indent)}${scalar(value)}\n`;
}

function block(value: object, margin: string): string {
  let text = "";
  if (Array.isArray(value)) {
    for (const element of value) {
      // What an element's first line begins with takes the place of its margin.
      text += isFilled(element)
        ? `${margin}- ${block(element, `${margin}  `).slice(margin.length + 2)}`
        : `${margin}- ${scalar(element)}\n`;
    }
    return text;
  }
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    text += isFilled(field)
      ? `${margin}${scalar(key)}:\n${block(field, `${margin}  `)}`
      : `${margin}${scalar(key)}: ${scalar(field)}\n`;
  }
  return text;
}

/** A list or mapping that has lines of its own. */
function isFilled(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    Object.values(value).some((field) => field !== undefined || Array.isArray(value));
}

/** On one line. JSON's quotes and empty brackets are YAML too (YAML 1.2.2, section 1.3). */
function scalar(value: unknown): string {
  if (typeof value === "string" && PLAIN.test(value) && !RESERVED.has(value.toLowerCase())) return value;
  return JSON.stringify(value) ?? "null";
}
