// SPDX-License-Identifier: Apache-2.0

// What the control plane says: lines for people, or one JSON object a line
// for programs. Facts go to stdout; what is wrong goes to stderr.

import type { Condition } from "./api/object.ts";
import { isGood } from "./status/conditions.ts";

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

/** The first column holds the longest condition that Blixt writes, "SupportedVersion=False". */
const CONDITION_WIDTH = 23;

function formatStatus(message: Message & { type: "status" }, colour: boolean): string {
  const { object, part, condition, place } = message;
  const { type, status, reason } = condition;
  const subject = part === "" ? object : `${object}, ${part}`;
  const good = isGood(condition);
  const state = `${type}=${status}`.padEnd(CONDITION_WIDTH);
  const why = [reason === type ? "" : reason, condition.message].filter((part) => part !== "");
  const where = good || place === undefined ? "" : ` (${place})`;
  return `${colour ? `${good ? GREEN : RED}${state}${RESET}` : state}${[subject, ...why].join(": ")}${where}`;
}

function paint(type: "error" | "notice", colour: boolean): string {
  if (!colour) return type;
  return `${type === "error" ? RED : YELLOW}${type}${RESET}`;
}
