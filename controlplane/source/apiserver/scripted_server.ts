// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";

/** One exchange that a test expects. */
export interface Exchange {
  /** "GET /api/v1/services?limit=500": method, path and query, all of it decoded. */
  readonly request: string;
  /** The body that the request must have, as JSON. */
  readonly body?: unknown;
  /** HTTP status of the answer; default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON answer. */
  readonly json?: unknown;
  /** An answer that is no JSON. */
  readonly text?: string;
  /** A watch: each line as JSON, a string as it is; then the end of the body. */
  readonly lines?: readonly unknown[];
  /** The body stays open after its lines until the client goes. */
  readonly open?: boolean;
}

/** An HTTP server for tests that answers a script, and keeps what it was asked. */
export class ScriptedServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #script: readonly Exchange[];
  readonly #finished = Promise.withResolvers<void>();
  readonly #bodies: unknown[] = [];
  readonly #requests: string[] = [];
  /** Requests after the script's end. */
  readonly unexpected: string[] = [];

  constructor(script: readonly Exchange[]) {
    this.#script = script;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** "http://127.0.0.1:port". */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Waits, at most five seconds, until the whole script was asked for, and checks that it was asked in order. */
  async finished(): Promise<void> {
    const timeout = setTimeout(() => this.#finished.resolve(), 5_000);
    await this.#finished.promise;
    clearTimeout(timeout);
    assertEquals(this.#requests, this.#script.map(({ request }) => request));
    assertEquals(this.#bodies, this.#script.map(({ body }) => body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const line = `${request.method} ${pathname}${decodeURIComponent(search)}`;
    const exchange = this.#script[this.#requests.length];
    // After the script, every request waits for the end of the test, so that nothing more changes.
    if (exchange === undefined) {
      this.unexpected.push(line);
      return new Response(openStream([]), { status: 200 });
    }
    this.#requests.push(line);
    this.#bodies.push(text === "" ? undefined : JSON.parse(text));
    if (this.#requests.length === this.#script.length) queueMicrotask(() => this.#finished.resolve());
    const { status = 200, headers = {}, json, text: raw, lines = [], open = false } = exchange;
    if (json !== undefined) return Response.json(json, { status, headers });
    if (raw !== undefined) return new Response(raw, { status, headers });
    const encoded = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`);
    return new Response(open ? openStream(encoded) : encoded.join(""), { status, headers });
  }
}

function openStream(lines: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller): void {
      for (const line of lines) controller.enqueue(new TextEncoder().encode(line));
    },
  });
}
