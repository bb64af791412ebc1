// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Screen, type ScreenOptions } from "./screen.ts";

function record(
  live: boolean,
  options: Partial<ScreenOptions> = {},
): { screen: Screen; written: string[] } {
  const written: string[] = [];
  const screen = new Screen({ live, colour: false, write: (text) => written.push(text), ...options });
  return { screen, written };
}

Deno.test("Screen on a terminal prints above its block and draws the block again", () => {
  const { screen, written } = record(true);
  screen.setBlock(["table", "row"]);
  screen.print("pass");
  screen.setBlock(["table"]);
  assertEquals(written, ["table\nrow\n", "\x1b[2A\r\x1b[Jpass\ntable\nrow\n", "\x1b[2A\r\x1b[Jtable\n"]);
});

Deno.test("Screen elsewhere shows a block once, when it is kept", () => {
  const { screen, written } = record(false);
  screen.setBlock(["old"]);
  screen.setBlock(["new"]);
  screen.print("pass");
  screen.keepBlock();
  screen.keepBlock();
  assertEquals(written, ["pass\n", "new\n"]);
});

Deno.test("Screen.keepBlock() on a terminal leaves the block where it is", () => {
  const { screen, written } = record(true);
  screen.setBlock(["table"]);
  screen.keepBlock();
  screen.print("next");
  assertEquals(written, ["table\n", "\x1b[1A\r\x1b[Jtable\n", "next\n"]);
});

Deno.test("Screen.paint() colours only where there are colours", () => {
  assertEquals(record(true).screen.paint("pass", "green"), "pass");
  const coloured = new Screen({ live: false, colour: true, write: () => {} });
  assertEquals(coloured.paint("pass", "green"), "\x1b[32mpass\x1b[0m");
});

Deno.test("Screen.close() says its line and then nothing more", () => {
  const { screen, written } = record(false);
  screen.close("interrupted");
  screen.print("FAIL");
  assertEquals(written, ["interrupted\n"]);
});

Deno.test("Screen cuts a block to the terminal, leaving the cursor a row", () => {
  const { screen, written } = record(true, { size: () => ({ columns: 4, rows: 3 }) });
  screen.setBlock(["header", "one", "two"]);
  screen.setBlock(["new"]);
  assertEquals(written, ["head\none\n", "\x1b[2A\r\x1b[Jnew\n"]);
});
