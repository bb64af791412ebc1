// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { formatAnswer, parseAnswer, splitHostPort } from "./answer.ts";

Deno.test("parseAnswer() reads what formatAnswer() writes", () => {
  const answer = { backend: "b1", client: "[2001:db8::1]:40000" };
  assertEquals(parseAnswer(formatAnswer(answer)), answer);
});

Deno.test("parseAnswer() refuses anything else", () => {
  for (const line of ["", "b1", "b1 c d", "b1 c\nb2 d\n"]) assertEquals(parseAnswer(line), undefined, line);
});

Deno.test("splitHostPort() takes the brackets off an IPv6 address", () => {
  assertEquals(splitHostPort("192.0.2.1:80"), { address: "192.0.2.1", port: 80 });
  assertEquals(splitHostPort("[2001:db8::1]:80"), { address: "2001:db8::1", port: 80 });
});
