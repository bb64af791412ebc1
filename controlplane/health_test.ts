// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { type Health, parseHealthAddress, serveHealth } from "./health.ts";

/** A port of 127.0.0.1 that nobody listens on now. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

Deno.test("parseHealthAddress() takes a host and a port, an IPv6 address in brackets", () => {
  assertEquals(parseHealthAddress("127.0.0.1:9441"), { hostname: "127.0.0.1", port: 9441 });
  assertEquals(parseHealthAddress("[::1]:80"), { hostname: "::1", port: 80 });
  assertEquals(parseHealthAddress("localhost:65535"), { hostname: "localhost", port: 65535 });
});

Deno.test("parseHealthAddress() refuses what is no host with a port", () => {
  for (
    const text of ["", "9441", ":9441", "127.0.0.1", "127.0.0.1:", "::1:80", "h:0", "h:65536", "h:x", "a b:1"]
  ) {
    assertEquals(parseHealthAddress(text), undefined, text);
  }
});

Deno.test("serveHealth() is alive at once, ready once the kernel has what was read, and ends on its signal", async () => {
  const port = freePort();
  const health: { isReady: boolean } & Health = { isReady: false };
  const stop = new AbortController();
  const serving = serveHealth({ hostname: "127.0.0.1", port }, health, stop.signal);
  const ask = async (path: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await ask("/livez"), 200);
  assertEquals(await ask("/readyz"), 503);
  health.isReady = true;
  assertEquals(await ask("/readyz"), 200);
  assertEquals(await ask("/metrics"), 404);
  stop.abort();
  await serving;
});

Deno.test("serveHealth() says which option to change when the port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = taken.addr;
  await assertRejects(
    () => serveHealth({ hostname, port }, { isReady: true }, new AbortController().signal),
    Error,
    "choose another --health",
  );
});
