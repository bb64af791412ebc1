// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { formatAnswer, parseAnswer } from "./answer.ts";

Deno.test("parseAnswer() reads what formatAnswer() writes", () => {
  const answer = { backend: "b1", client: "[2001:db8::1]:40000" };
  assertEquals(parseAnswer(formatAnswer(answer)), answer);
});

Deno.test("parseAnswer() refuses anything else", () => {
  for (const line of ["", "b1", "b1 c d", "b1 c\nb2 d\n"]) assertEquals(parseAnswer(line), undefined, line);
});
