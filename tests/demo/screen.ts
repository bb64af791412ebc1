// SPDX-License-Identifier: Apache-2.0

/** Where text goes. */
export interface ScreenOptions {
  /** True for a terminal, where the block at the bottom is drawn anew; else lines are only appended. */
  readonly live: boolean;
  readonly colour: boolean;
  readonly write: (text: string) => void;
  /** Of a terminal: a line that wraps, or a block that is higher, could not be drawn anew. No limit by default. */
  readonly size?: () => { readonly columns: number; readonly rows: number };
}

/** Names of the few colours in use, as SGR codes (ECMA-48). */
const COLOURS = { green: 32, red: 31, bold: 1, dim: 2 } as const;

/** Erases from the cursor to the end of the screen (ECMA-48, ED). */
const ERASE_BELOW = "\x1b[J";

/**
 * Lines that scroll, and below them a block that changes in place. Where
 * nothing can change in place the block appears when {@link keepBlock} is called.
 */
export class Screen {
  readonly #options: ScreenOptions;
  #block: readonly string[] = [];
  #closed = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** Appends lines above the block. */
  print(...lines: readonly string[]): void {
    this.#redraw(lines, this.#block);
  }

  /** Replaces the block. */
  setBlock(lines: readonly string[]): void {
    const { columns, rows } = this.#options.size?.() ?? { columns: Infinity, rows: Infinity };
    const block = lines.slice(0, rows - 1).map((line) => line.slice(0, columns));
    if (this.#options.live) this.#redraw([], block);
    this.#block = block;
  }

  /** Turns the block into lines that scroll. */
  keepBlock(): void {
    this.#redraw(this.#block, []);
    this.#block = [];
  }

  /** Says a last line; from now on nothing is written. */
  close(line: string): void {
    this.keepBlock();
    this.print(line);
    this.#closed = true;
  }

  /** Text in a colour, where there are colours. */
  paint(text: string, colour: keyof typeof COLOURS): string {
    return this.#options.colour ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text;
  }

  #redraw(lines: readonly string[], block: readonly string[]): void {
    if (this.#closed) return;
    const { live, write } = this.#options;
    const all = live ? [...lines, ...block] : lines;
    const up = live && this.#block.length > 0 ? `\x1b[${this.#block.length}A\r${ERASE_BELOW}` : "";
    if (up !== "" || all.length > 0) write(up + all.map((line) => `${line}\n`).join(""));
  }
}

/** The screen on standard output; colours unless the user said no (https://no-color.org). */
export function consoleScreen(): Screen {
  const terminal = Deno.stdout.isTerminal();
  const encoder = new TextEncoder();
  return new Screen({
    live: terminal,
    colour: terminal && !Deno.noColor,
    write: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
    ...(terminal ? { size: Deno.consoleSize } : {}),
  });
}
