// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { type Meter, NO_METER } from "../../meter.ts";
import { ApiClient, type Credentials, rootCause } from "./api_client.ts";
import { ApiError } from "./api_error.ts";

const { signal } = new AbortController();

/** Answers every request with what the handler says, and gives the client of that server to the body. */
async function withClient(
  handler: (request: Request) => Response | Promise<Response>,
  body: (client: ApiClient) => Promise<void>,
  credentials: () => Promise<Credentials> = () => Promise.resolve({ headers: {} }),
  meter?: Meter,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const client = new ApiClient({ url: `http://127.0.0.1:${server.addr.port}`, credentials }, meter);
  try {
    await body(client);
  } finally {
    client.close();
    await server.shutdown();
  }
}

Deno.test("ApiClient.json() sends method, query, headers and body", async () => {
  const echo = async (request: Request): Promise<Response> =>
    Response.json({
      method: request.method,
      url: new URL(request.url).search,
      type: request.headers.get("content-type"),
      authorization: request.headers.get("authorization"),
      body: await request.json(),
    });
  await withClient(echo, async (client) => {
    const request = {
      method: "PATCH",
      path: "/x",
      query: { a: "1 2" },
      body: { b: 1 },
      contentType: "application/merge-patch+json",
    } as const;
    assertEquals(await client.json(request, signal), {
      method: "PATCH",
      url: "?a=1+2",
      type: "application/merge-patch+json",
      authorization: "Bearer t",
      body: { b: 1 },
    });
  }, () => Promise.resolve({ headers: { authorization: "Bearer t" } }));
});

Deno.test("ApiClient asks for the credentials before every request, for tokens are renewed", async () => {
  let token = 0;
  const answer = (request: Request): Response => Response.json(request.headers.get("authorization"));
  await withClient(answer, async (client) => {
    assertEquals(await client.json({ path: "/" }, signal), "1");
    assertEquals(await client.json({ path: "/" }, signal), "2");
  }, () => Promise.resolve({ headers: { authorization: String(++token) } }));
});

Deno.test("ApiClient.send() throws what the server's Status says, with its code and how long to wait", async () => {
  const refuse = (): Response =>
    Response.json({ kind: "Status", message: "services is forbidden" }, {
      status: 403,
      headers: { "retry-after": "3" },
    });
  await withClient(refuse, async (client) => {
    const error = await assertRejects(() => client.send({ path: "/api/v1/services" }, signal), ApiError);
    assertEquals(error.message, "API server refused GET /api/v1/services: services is forbidden (403)");
    assertEquals([error.code, error.retryAfter], [403, 3]);
  });
});

Deno.test("ApiClient.send() makes do with an answer that is no Status", async () => {
  for (
    const [body, words] of [["upstream is away\n", "upstream is away"], ["", "Bad Gateway"], [
      "{}",
      "Bad Gateway",
    ]]
  ) {
    await withClient(() => new Response(body, { status: 502, statusText: "Bad Gateway" }), async (client) => {
      const error = await assertRejects(() => client.send({ path: "/" }, signal), ApiError);
      assertEquals(error.message, `API server refused GET /: ${words} (502)`);
      assertEquals(error.retryAfter, undefined);
    });
  }
});

Deno.test("ApiClient.json() throws when a success is no JSON", async () => {
  await withClient(() => new Response("<html>"), async (client) => {
    const error = await assertRejects(() => client.json({ path: "/x" }, signal), ApiError);
    assertEquals(error.message.startsWith("API server answered /x with no JSON: "), true);
  });
});

Deno.test("ApiClient.send() throws the signal's reason", async () => {
  const open = Promise.withResolvers<Response>();
  await withClient(() => open.promise, async (client) => {
    const stop = new AbortController();
    const sent = client.send({ path: "/" }, stop.signal);
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await assertRejects(() => sent, Error, "enough");
    open.resolve(new Response());
  });
});

Deno.test("rootCause() finds what happened within what fetch throws", () => {
  const inner = new Error(
    "error sending request for url (https://h:1/a?b=c): client error (Connect): tcp connect error: refused",
  );
  assertEquals(rootCause(new TypeError("fetch failed", { cause: inner })), "tcp connect error: refused");
  assertEquals(rootCause(new Error("plain")), "plain");
});

Deno.test("ApiClient meters what writes, with the answer's status, and 0 where there is none", async () => {
  const writes: string[] = [];
  const meter: Meter = { ...NO_METER, apiWrite: (method, status) => void writes.push(`${method} ${status}`) };
  const answer = ({ method }: Request): Response =>
    new Response("{}", { status: method === "PATCH" ? 409 : 201 });
  await withClient(
    answer,
    async (client) => {
      await client.json({ path: "/" }, signal);
      await client.json({ method: "POST", path: "/", body: {} }, signal);
      await assertRejects(() => client.json({ method: "PATCH", path: "/", body: {} }, signal), ApiError);
    },
    undefined,
    meter,
  );
  const nobody = new ApiClient(
    { url: "http://127.0.0.1:1", credentials: () => Promise.resolve({ headers: {} }) },
    meter,
  );
  await assertRejects(() => nobody.send({ method: "DELETE", path: "/" }, signal), Error, "cannot be reached");
  nobody.close();
  assertEquals(writes, ["POST 201", "PATCH 409", "DELETE 0"]);
});
