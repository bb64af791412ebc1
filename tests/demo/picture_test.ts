// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { picture } from "./picture.ts";

Deno.test("picture() fits a terminal of 80 columns, and its frame is straight", () => {
  const [, top = "", ...lines] = picture();
  const [left, right] = [top.indexOf("┌"), top.indexOf("┐")];
  for (const line of lines) {
    assert(line.length <= 80, line);
    assertEquals([/[│┤└]/.test(line[left]!), /[│├┘]/.test(line[right]!)], [true, true], line);
  }
});
