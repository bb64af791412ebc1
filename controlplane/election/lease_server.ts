// SPDX-License-Identifier: Apache-2.0

// An API server for tests that has Leases and nothing else.

import type { Lease } from "../api/lease.ts";
import { ApiClient, type ApiRequest } from "../source/apiserver/api_client.ts";

/** A client whose requests under way are counted, so that a test can wait for real answers in a time that stands still. */
class CountedClient extends ApiClient {
  underWay = 0;

  override async json<T>(request: ApiRequest, signal: AbortSignal): Promise<T> {
    this.underWay++;
    try {
      return await super.json<T>(request, signal);
    } finally {
      this.underWay--;
    }
  }
}

/** Serves Leases over HTTP: get, create, merge patch guarded by resourceVersion. */
export class LeaseServer implements AsyncDisposable {
  readonly leases = new Map<string, Lease>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #clients: CountedClient[] = [];
  #version = 0;
  /** While true, every request is answered with 503. */
  away = false;
  /** While true, no Lease can be made: its namespace is gone. */
  homeless = false;
  /** Requests to make one. */
  posts = 0;
  /** Requests that changed a Lease. */
  writes = 0;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => await this.#answer(request),
    );
  }

  /** A client of this server. */
  client(): ApiClient {
    const url = `http://127.0.0.1:${this.#server.addr.port}`;
    const client = new CountedClient({ url, credentials: () => Promise.resolve({ headers: {} }) });
    this.#clients.push(client);
    return client;
  }

  /** Waits until all requests are answered, and those too that the answers led to. */
  async idle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.#clients.some(({ underWay }) => underWay > 0)) quiet = -1;
    }
  }

  /** Changes a Lease as somebody else would. */
  edit(name: string, change: (lease: Lease) => Lease): void {
    const lease = this.leases.get(name);
    if (lease === undefined) throw new Error(`There is no Lease ${name}`);
    this.#store(name, change(lease));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    if (this.away) return failure(503);
    const path = new URL(request.url).pathname.split("/");
    const body = request.method === "GET" ? undefined : await request.json() as Lease;
    if (request.method === "POST") {
      this.posts++;
      if (this.homeless) return failure(404);
      const { name } = body!.metadata;
      return this.leases.has(name) ? failure(409) : Response.json(this.#store(name, body!));
    }
    const name = path.at(-1)!;
    const lease = this.leases.get(name);
    if (lease === undefined) return failure(404);
    if (body === undefined) return Response.json(lease);
    const { resourceVersion } = body.metadata ?? {};
    if (resourceVersion !== undefined && resourceVersion !== lease.metadata.resourceVersion) {
      return failure(409);
    }
    const metadata = { ...lease.metadata, ...body.metadata };
    return Response.json(this.#store(name, { ...lease, metadata, spec: { ...lease.spec, ...body.spec } }));
  }

  #store(name: string, lease: Lease): Lease {
    this.writes++;
    const stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: `${++this.#version}` } };
    this.leases.set(name, stored);
    return stored;
  }
}

function failure(code: number): Response {
  return Response.json({ message: "no" }, { status: code });
}
