// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Relay } from "./relay.ts";

/** A server that answers each connection's first bytes with themselves. */
async function echo(listener: Deno.Listener): Promise<void> {
  for await (const connection of listener) {
    const buffer = new Uint8Array(16);
    const read = await connection.read(buffer) ?? 0;
    await connection.write(buffer.subarray(0, read));
  }
}

async function withRelay(body: (relay: Relay, socket: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [front, back] = [`${folder}/front`, `${folder}/back`];
  const listener = Deno.listen({ transport: "unix", path: back });
  const serving = echo(listener);
  {
    const target = { transport: "unix", path: back } as const;
    await using relay = new Relay(
      Deno.listen({ transport: "unix", path: front }),
      () => Deno.connect(target),
    );
    await body(relay, front);
  }
  listener.close();
  await serving;
  await Deno.remove(folder, { recursive: true });
}

async function ask(connection: Deno.Conn): Promise<string | undefined> {
  const buffer = new Uint8Array(16);
  await connection.write(new TextEncoder().encode("hello"));
  const read = await connection.read(buffer);
  return read === null ? undefined : new TextDecoder().decode(buffer.subarray(0, read));
}

Deno.test("Relay passes bytes on in both directions", () =>
  withRelay(async (relay, path) => {
    using connection = await Deno.connect({ transport: "unix", path });
    assertEquals(await ask(connection), "hello");
    assertEquals(relay.accepted, 1);
  }));

Deno.test("Relay cut() ends the connections there are, and new ones are served", () =>
  withRelay(async (relay, path) => {
    using before = await Deno.connect({ transport: "unix", path });
    assertEquals(await ask(before), "hello");
    relay.cut();
    assertEquals(await before.read(new Uint8Array(1)), null);
    using after = await Deno.connect({ transport: "unix", path });
    assertEquals(await ask(after), "hello");
  }));

Deno.test("Relay refuse() ends new connections at once until it serves again", () =>
  withRelay(async (relay, path) => {
    relay.refuse(true);
    using refused = await Deno.connect({ transport: "unix", path });
    assertEquals(await refused.read(new Uint8Array(1)).catch(() => null), null);
    relay.refuse(false);
    using served = await Deno.connect({ transport: "unix", path });
    assertEquals(await ask(served), "hello");
  }));
