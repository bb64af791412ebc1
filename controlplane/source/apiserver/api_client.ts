// SPDX-License-Identifier: Apache-2.0

// Requests to the API server through fetch: HTTP/1.1, one connection for each
// watch, so that a connection gone dead takes no other with it.

import { abortable } from "../../abortable.ts";
import { type Meter, NO_METER } from "../../meter.ts";
import { ApiError, responseError } from "./api_error.ts";

/** What is needed to reach an API server and be let in. */
export interface Credentials {
  /** PEM; the system's authorities when absent. */
  readonly ca?: string;
  /** PEM of the client's certificate and key. */
  readonly cert?: string;
  readonly key?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An API server. */
export interface ApiServer {
  /** "https://host:port", and a path where the server has one; without a slash at the end. */
  readonly url: string;
  /** The credentials as they are now; asked before every request, as tokens and certificates are renewed. */
  readonly credentials: () => Promise<Credentials>;
}

/** One request. */
export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** From the server's root: "/api/v1/services". */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the body; default application/json. */
  readonly contentType?: string;
}

/** Talks to one API server. */
export class ApiClient {
  readonly url: string;
  readonly #credentials: () => Promise<Credentials>;
  #http: { readonly client: Deno.HttpClient; readonly identity: string } | undefined;

  readonly #meter: Meter;

  constructor(server: ApiServer, meter = NO_METER) {
    this.#meter = meter;
    this.url = server.url;
    this.#credentials = server.credentials;
  }

  /** Sends a request and returns the successful response. Throws ApiError for an answer, Error for none. */
  async send(request: ApiRequest, signal: AbortSignal): Promise<Response> {
    const { method = "GET", path, query = {}, body, contentType = "application/json" } = request;
    const search = new URLSearchParams(query).toString();
    const credentials = await this.#credentials();
    const init: RequestInit & { client: Deno.HttpClient } = {
      method,
      headers: {
        ...credentials.headers,
        accept: "application/json",
        ...(body !== undefined && { "content-type": contentType }),
      },
      signal,
      client: this.#httpClient(credentials),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}${search === "" ? "" : `?${search}`}`, init);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (method !== "GET") this.#meter.apiWrite(method, 0);
      throw new Error(`API server ${this.url} cannot be reached: ${rootCause(error)}`, { cause: error });
    }
    if (method !== "GET") this.#meter.apiWrite(method, response.status);
    if (!response.ok) throw await responseError(response, `${method} ${path}`);
    return response;
  }

  /** Sends a request and reads the JSON of the response. */
  async json<T>(request: ApiRequest, signal: AbortSignal): Promise<T> {
    const response = await this.send(request, signal);
    try {
      return await abortable(response.json(), signal) as T;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new ApiError(
        response.status,
        `API server answered ${request.path} with no JSON: ${rootCause(error)}`,
      );
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#http?.client.close();
    this.#http = undefined;
  }

  /** A client for these certificates; a new one when they were renewed. */
  #httpClient({ ca, cert, key }: Credentials): Deno.HttpClient {
    const identity = JSON.stringify([ca, cert, key]);
    if (this.#http?.identity === identity) return this.#http.client;
    this.#http?.client.close();
    const client = Deno.createHttpClient({
      http2: false,
      ...(ca !== undefined && { caCerts: [ca] }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
    });
    this.#http = { client, identity };
    return client;
  }
}

/** What happened, without the address of the request, which fetch repeats each time. */
export function rootCause(error: unknown): string {
  let cause = error as Error;
  while (cause.cause instanceof Error) cause = cause.cause;
  return cause.message.replace(
    /^error sending request .*?for url \(\S*\)(: client error \(\w+\))?(: )?/,
    "",
  ) || cause.message;
}
