// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { listenerText, parseListener, parseRef, refText } from "./object_ref.ts";

Deno.test("refText() names an object for people", () => {
  assertEquals(refText({ kind: "Gateway", key: "default/web" }), "Gateway default/web");
});

Deno.test("parseRef() reads what refText() wrote, cluster-scoped objects too", () => {
  for (
    const ref of [{ kind: "TCPRoute", key: "default/echo" }, { kind: "GatewayClass", key: "blixt" }] as const
  ) {
    assertEquals(parseRef(refText(ref)), ref);
  }
});

Deno.test("parseListener() reads what listenerText() wrote", () => {
  const text = listenerText("Gateway default/web", "tcp");
  assertEquals(text, "Gateway default/web, listener tcp");
  assertEquals(parseListener(text), { parent: "Gateway default/web", listener: "tcp" });
});
