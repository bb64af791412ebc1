// SPDX-License-Identifier: Apache-2.0

// Reads YAML as nearly all manifests are written: mappings and lists in block style, or JSON, of words, numbers and
// quoted strings that each stand on one line. A full YAML parser takes ten times as long and the memory, for what only
// few files use; whatever is unusual or wrong is left to it. Both give the same values: a test compares them.

/** What was read. */
export interface PlainDocument {
  /** null where there is nothing. */
  readonly value: unknown;
  /** The line, from 1, of the value, and of the mappings in the lists that its fields are. */
  readonly lines: Lines;
}

type Lines = ReadonlyMap<unknown, number>;

/** Thrown for what the full parser has to look at. */
class Unusual extends Error {}

/** One mapping's field, with whatever follows its colon. */
const FIELD = /^([A-Za-z][\w./-]*|"[\w./ -]+"):(?: +(.*))?$/;
const PLAIN = /^[A-Za-z0-9_/](?:[^:#]|:(?! |$)|(?<! )#)*$/;
const DOUBLE = /^"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/;
const SINGLE = /^'[^']*'(?!')/;
/** A comment may follow a value. */
const REST = /^(?: +#.*| *)$/;
const INTEGER = /^(?:0|-?[1-9][0-9]{0,14})$/;
/** Numbers of other forms (YAML 1.2.2, section 10.3.2). */
const NUMBER =
  /^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$/;
const KEYWORD = /^(?:null|true|false)$/i;
const KEYWORDS: Readonly<Record<string, unknown>> = { null: null, true: true, false: false };

/** Reads one document, with or without the line `---` before it. Undefined where the full parser is needed. */
export function readPlainYaml(text: string): PlainDocument | undefined {
  // Tabs, carriage returns and everything that is not ASCII.
  if (/[^\n\x20-\x7e]/.test(text)) return undefined;
  try {
    return new Reader(text).read();
  } catch (error) {
    if (error instanceof Unusual) return undefined;
    throw error;
  }
}

class Reader {
  readonly #text: string;
  readonly #lines = new Map<unknown, number>();
  /** Where the next line begins. */
  #next = 0;
  /** The present line: its number, its leading spaces and what comes after; -1 spaces after the last one. */
  #number = 0;
  #indent = -1;
  #content = "";
  /** Where that is in the text. */
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): PlainDocument {
    this.#advance();
    if (this.#indent === 0 && REST.test(this.#content.replace(/^---/, ""))) this.#advance();
    if (this.#indent < 0) return { value: null, lines: this.#lines };
    const number = this.#number;
    const isJson = this.#content.startsWith("{");
    const value = isJson ? this.#json() : this.#block(this.#indent, 0);
    if (this.#indent >= 0) throw new Unusual();
    this.#lines.set(value, number);
    return { value, lines: this.#lines };
  }

  /** Goes to the next line that holds more than a comment. */
  #advance(): void {
    while (this.#next < this.#text.length) {
      const end = this.#text.indexOf("\n", this.#next);
      const line = this.#text.slice(this.#next, end < 0 ? this.#text.length : end);
      this.#at = this.#next;
      this.#next = end < 0 ? this.#text.length : end + 1;
      this.#number++;
      const indent = line.search(/[^ ]/);
      if (indent < 0 || line[indent] === "#") continue;
      this.#indent = indent;
      this.#at += indent;
      this.#content = indent === 0 ? line : line.slice(indent);
      return;
    }
    this.#indent = -1;
  }

  /** The list or mapping whose lines have that indent. */
  #block(indent: number, depth: number): unknown {
    return this.#isElement() ? this.#list(indent, depth) : this.#mapping(indent, depth);
  }

  #isElement(): boolean {
    return this.#content.startsWith("- ") || this.#content === "-";
  }

  #list(indent: number, depth: number): unknown[] {
    const elements: unknown[] = [];
    while (this.#indent === indent && this.#isElement()) {
      const rest = this.#content.slice(1).trimStart();
      const number = this.#number;
      if (rest === "" || rest.startsWith("#")) throw new Unusual();
      if (FIELD.test(rest) || rest.startsWith("- ")) {
        // The element's first line: it goes on where the dash has been.
        this.#indent += this.#content.length - rest.length;
        this.#content = rest;
        elements.push(this.#block(this.#indent, depth + 1));
      } else {
        elements.push(value(rest));
        this.#advance();
      }
      if (depth === 1) note(this.#lines, elements.at(-1), number);
      if (this.#indent > indent) throw new Unusual();
    }
    return elements;
  }

  #mapping(indent: number, depth: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    while (this.#indent === indent && !this.#isElement()) {
      const [, name = "", rest = ""] = FIELD.exec(this.#content) ?? [];
      const key = own(keyOf(name));
      if (Object.hasOwn(fields, key)) throw new Unusual();
      if (rest !== "" && !rest.startsWith("#")) {
        fields[key] = value(rest);
        this.#advance();
      } else {
        this.#advance();
        const isBlock = this.#indent > indent || this.#indent === indent && this.#isElement();
        fields[key] = isBlock ? this.#block(this.#indent, depth + 1) : null;
      }
      if (this.#indent > indent) throw new Unusual();
    }
    if (this.#indent === indent && depth === 0) throw new Unusual();
    return fields;
  }

  /** All of the rest, over any number of lines. */
  #json(): unknown {
    const flow = new Flow(this.#text, this.#at, this.#number);
    const result = flow.read(0);
    for (const [element, line] of flow.lines) this.#lines.set(element, line);
    if (/[^ \n]/.test(this.#text.slice(flow.at))) throw new Unusual();
    this.#indent = -1;
    return result;
  }
}

/** A mapping's key. Of those that are no strings, and of one with a meaning to JavaScript, the full parser knows. */
function keyOf(name: string): string {
  const key = name.startsWith('"') ? name.slice(1, -1) : name;
  if (key === "" || KEYWORD.test(name) || key === "__proto__") throw new Unusual();
  return key;
}

/** What stands after a colon or a dash, on one line. */
function value(text: string): unknown {
  if (text.startsWith("[") || text.startsWith("{")) {
    const flow = new Flow(text, 0, 1);
    const result = flow.read(0);
    if (!REST.test(text.slice(flow.at))) throw new Unusual();
    return result;
  }
  const [quoted] = DOUBLE.exec(text) ?? SINGLE.exec(text) ?? [];
  if (quoted !== undefined) {
    if (!REST.test(text.slice(quoted.length))) throw new Unusual();
    return unquote(quoted);
  }
  const comment = text.indexOf(" #");
  return plain((comment < 0 ? text : text.slice(0, comment)).trimEnd());
}

function unquote(text: string): string {
  return text.startsWith('"') ? JSON.parse(text) : own(text.slice(1, -1));
}

/** A value without quotes. */
function plain(text: string): unknown {
  if (INTEGER.test(text)) return Number(text);
  if (!PLAIN.test(text) || NUMBER.test(text)) throw new Unusual();
  if (!KEYWORD.test(text)) return own(text);
  // "nULL" is a string, and strange enough.
  if (!Object.hasOwn(KEYWORDS, text)) throw new Unusual();
  return KEYWORDS[text];
}

/** Equal scalars cannot be told apart. */
function note(lines: Map<unknown, number>, element: unknown, line: number): void {
  if (typeof element === "object" && element !== null) lines.set(element, line);
}

/** Lists in [] and mappings in {}, as JSON has them; and with words without quotes. */
class Flow {
  readonly #text: string;
  readonly lines = new Map<unknown, number>();
  /** The next character. */
  at: number;
  #counted: number;
  #number: number;

  constructor(text: string, at: number, number: number) {
    this.#text = text;
    this.at = at;
    this.#counted = at;
    this.#number = number;
  }

  read(depth: number): unknown {
    const character = this.#text[this.at];
    if (character === "{") return this.#mapping(depth);
    if (character === "[") return this.#list(depth);
    if (character === '"') return this.#quoted();
    const end = this.#match(/[^,[\]{}"'\n:#]+/y);
    return plain(end.trimEnd());
  }

  #list(depth: number): unknown[] {
    const elements: unknown[] = [];
    this.at++;
    if (this.#ends("]")) return elements;
    do {
      this.#space();
      const number = this.#line();
      elements.push(this.read(depth + 1));
      if (depth === 1) note(this.lines, elements.at(-1), number);
    } while (!this.#ends("]", ","));
    return elements;
  }

  #mapping(depth: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    this.at++;
    if (this.#ends("}")) return fields;
    do {
      this.#space();
      const isQuoted = this.#text[this.at] === '"';
      const name = isQuoted ? this.#quoted() : keyOf(this.#match(/[A-Za-z][\w./-]*/y));
      if (name === "__proto__" || Object.hasOwn(fields, name)) throw new Unusual();
      this.#match(isQuoted ? /:/y : /:(?= )/y);
      this.#space();
      fields[own(name)] = this.read(depth + 1);
    } while (!this.#ends("}", ","));
    return fields;
  }

  /** Whether the closing bracket comes next. Anything but it and the separator is unusual. */
  #ends(bracket: string, separator = ""): boolean {
    this.#space();
    const character = this.#text[this.at] ?? "";
    if (character !== bracket && separator === "") return false;
    if (character !== bracket && character !== separator) throw new Unusual();
    this.at++;
    return character === bracket;
  }

  #space(): void {
    while (this.#text[this.at] === " " || this.#text[this.at] === "\n") this.at++;
  }

  #quoted(): string {
    return JSON.parse(this.#match(/"(?:[^"\\\n]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y));
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw new Unusual();
    this.at += found.length;
    return found;
  }

  #line(): number {
    for (; this.#counted < this.at; this.#counted++) if (this.#text[this.#counted] === "\n") this.#number++;
    return this.#number;
  }
}

/** The same string, which does not keep the text alive that it is a part of (V8 makes no copy of a longer part). */
function own(text: string): string {
  return text.length < 13 ? text : ` ${text}`.slice(1);
}
