// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { type Endpoint, listen, parseListenAddress } from "./listen.ts";

/** A port of 127.0.0.1 that nobody listens on now. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** An endpoint that answers one path with its own name. */
const endpoint = (port: number, path: string): Endpoint => ({
  address: { hostname: "127.0.0.1", port },
  option: `--${path.slice(1)}`,
  answer: (asked) => asked === path ? new Response(path) : undefined,
});

async function ask(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${response.status} ${await response.text()}`;
}

Deno.test("parseListenAddress() takes a host and a port, an IPv6 address in brackets", () => {
  assertEquals(parseListenAddress("127.0.0.1:9441"), { hostname: "127.0.0.1", port: 9441 });
  assertEquals(parseListenAddress("[::1]:80"), { hostname: "::1", port: 80 });
  assertEquals(parseListenAddress("localhost:65535"), { hostname: "localhost", port: 65535 });
});

Deno.test("parseListenAddress() refuses what is no host with a port", () => {
  for (
    const text of ["", "9441", ":9441", "127.0.0.1", "127.0.0.1:", "::1:80", "h:0", "h:65536", "h:x", "a b:1"]
  ) {
    assertEquals(parseListenAddress(text), undefined, text);
  }
});

Deno.test("listen() has one server for endpoints at one address, and another for each other address", async () => {
  const [shared, other] = [freePort(), freePort()];
  const stop = new AbortController();
  const listening = listen(
    [endpoint(shared, "/a"), endpoint(shared, "/b"), endpoint(other, "/c")],
    stop.signal,
  );
  assertEquals(await ask(shared, "/a"), "200 /a");
  assertEquals(await ask(shared, "/b"), "200 /b");
  assertEquals(await ask(other, "/c"), "200 /c");
  assertEquals(await ask(other, "/a"), "404 no such path\n");
  stop.abort();
  await listening;
});

Deno.test("listen() says which options to change when the port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await assertRejects(
    () => listen([endpoint(port, "/health"), endpoint(port, "/metrics")], new AbortController().signal),
    Error,
    "choose another --health and --metrics",
  );
});
