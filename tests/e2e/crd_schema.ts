// SPDX-License-Identifier: Apache-2.0

/** A structural schema of a CustomResourceDefinition, as far as the Gateway API uses it. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/**
 * What is wrong with a value, each with its path; empty when all is right. A
 * field that the schema does not know is wrong, as with `kubectl --validate=strict`.
 * Rules in CEL are not looked at.
 */
export function validate(value: unknown, schema: Schema, path = ""): string[] {
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [`${path}: not one of ${schema.enum}`];
  }
  switch (schema.type) {
    case "object":
      return isRecord(value) ? validateObject(value, schema, path) : [`${path}: no object`];
    case "array":
      return Array.isArray(value) ? validateArray(value, schema, path) : [`${path}: no list`];
    case "string":
      return typeof value === "string" ? validateString(value, schema, path) : [`${path}: no string`];
    case "integer":
      return Number.isInteger(value)
        ? validateNumber(value as number, schema, path)
        : [`${path}: no integer`];
    case "boolean":
      return typeof value === "boolean" ? [] : [`${path}: no boolean`];
    default:
      return [];
  }
}

function validateObject(value: Record<string, unknown>, schema: Schema, path: string): string[] {
  const missing = (schema.required ?? []).filter((name) => !(name in value));
  const problems = missing.map((name) => `${path}.${name}: missing`);
  for (const [name, member] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (typeof known === "object") problems.push(...validate(member, known, `${path}.${name}`));
    else if (schema.properties !== undefined && known !== true) {
      problems.push(`${path}.${name}: unknown field`);
    }
  }
  return problems;
}

function validateArray(value: readonly unknown[], schema: Schema, path: string): string[] {
  const { minItems = 0, maxItems = Infinity, items = {} } = schema;
  if (value.length < minItems || value.length > maxItems) {
    return [`${path}: ${value.length} elements, not ${minItems} to ${maxItems}`];
  }
  return value.flatMap((element, index) => validate(element, items, `${path}[${index}]`));
}

function validateString(value: string, schema: Schema, path: string): string[] {
  const { minLength = 0, maxLength = Infinity, pattern } = schema;
  if (value.length < minLength || value.length > maxLength) {
    return [`${path}: ${value.length} characters long`];
  }
  if (pattern !== undefined && !new RegExp(pattern).test(value)) {
    return [`${path}: does not match ${pattern}`];
  }
  return [];
}

function validateNumber(value: number, schema: Schema, path: string): string[] {
  const { minimum = -Infinity, maximum = Infinity } = schema;
  return value < minimum || value > maximum ? [`${path}: not within ${minimum} to ${maximum}`] : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
