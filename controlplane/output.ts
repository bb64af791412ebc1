// SPDX-License-Identifier: Apache-2.0

// What the control plane says: lines for people, or one JSON object a line
// for programs. Facts go to stdout; what is wrong goes to stderr.

import type { Condition } from "./api/object.ts";

/** Something to say. */
export type Message =
  /** Everything that was read is in the kernel, for the first time. */
  | { readonly type: "ready"; readonly text: string }
  /** A later change is in the kernel. */
  | { readonly type: "applied"; readonly text: string }
  /** A condition changed. */
  | {
    readonly type: "status";
    /** "Gateway default/web". */
    readonly object: string;
    /** "listener tcp"; empty for the whole object. */
    readonly part: string;
    readonly condition: Condition;
    /** File and line of the manifest, if there is one. */
    readonly place?: string;
  }
  /** Input that is wrong, and input that is odd. */
  | { readonly type: "error" | "notice"; readonly text: string }
  /** What the control plane does. */
  | { readonly type: "log"; readonly text: string };

/** How to say it. */
export interface OutputOptions {
  /** One JSON object a line, all on stdout. */
  readonly json: boolean;
  readonly colour: boolean;
  readonly stdout: (line: string) => void;
  readonly stderr: (line: string) => void;
}

/** Says messages. */
export class Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Says one message. */
  say(message: Message): void {
    const { json, colour, stdout, stderr } = this.#options;
    if (json) stdout(JSON.stringify(message));
    else if (message.type === "status") stdout(formatStatus(message, colour));
    else if (message.type === "ready" || message.type === "applied") {
      stdout(`${message.type}: ${message.text}`);
    } else stderr(message.type === "log" ? message.text : `${paint(message.type, colour)}: ${message.text}`);
  }

  /** Says what the control plane does. */
  readonly log = (text: string): void => this.say({ type: "log", text });
}

/** Colours only where a person looks at a terminal and has not said no (https://no-color.org). */
export function outputToConsole(json: boolean): Output {
  return new Output({
    json,
    colour: Deno.stdout.isTerminal() && !Deno.noColor,
    stdout: (line) => console.log(line),
    stderr: (line) => console.error(line),
  });
}

const GREEN = "\x1b[32m";
const RED = "\x1b[31m";
const YELLOW = "\x1b[33m";
const RESET = "\x1b[0m";

/** Columns of the object with its part, and of the condition: wide enough for most. */
const OBJECT_WIDTH = 46;
const CONDITION_WIDTH = 20;

function formatStatus(message: Message & { type: "status" }, colour: boolean): string {
  const { object, part, condition, place } = message;
  const subject = part === "" ? object : `${object}, ${part}`;
  const state = `${condition.type}=${condition.status}`.padEnd(CONDITION_WIDTH);
  // Conflicted is the one condition that is good when False.
  const good = (condition.status === "True") !== (condition.type === "Conflicted");
  const shown = colour ? `${good ? GREEN : RED}${state}${RESET}` : state;
  const where = good || place === undefined ? "" : ` (${place})`;
  const line = `${subject.padEnd(OBJECT_WIDTH)} ${shown} ${condition.reason}`;
  return `${line}${condition.message === "" ? "" : `: ${condition.message}`}${where}`;
}

function paint(type: "error" | "notice", colour: boolean): string {
  if (!colour) return type;
  return `${type === "error" ? RED : YELLOW}${type}${RESET}`;
}
